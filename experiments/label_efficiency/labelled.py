"""The shares of labels that the study compares, and which voxels each draw labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

SECTIONS, ROWS = 20, 256
DRAWS = 3


@dataclass(frozen=True)
class Level:
    """A share of the training voxels: a strip of one section, or whole sections."""

    name: str
    share: float

    def labels(self, draw: int) -> dict[str, Any]:
        """Fields of the data module for one draw: which boxes, or which sections, count as labelled.

        Strips lie in the section and at the height that the draw's random numbers say; sections are drawn without repetition, evenly
        spaced ones where all are not asked for, beginning at a random one, as an annotator would choose them.
        """
        rng = np.random.default_rng([draw, round(1000 * self.share)])
        sections = round(self.share * SECTIONS)
        if sections < 1:
            rows = round(self.share * SECTIONS * ROWS)
            first = int(rng.integers(0, ROWS - rows + 1))
            z = int(rng.integers(0, SECTIONS))
            return {"labelled": [{"z": [z, z + 1], "y": [first, first + rows]}]}
        if sections == SECTIONS:
            return {}
        start = int(rng.integers(0, SECTIONS))
        chosen = sorted({(start + round(k * SECTIONS / sections)) % SECTIONS for k in range(sections)})
        return {"labelled_sections": chosen}


LEVELS = (
    Level("1 %", 0.01),
    Level("2 %", 0.02),
    Level("1 section (5 %)", 0.05),
    Level("2 sections (10 %)", 0.10),
    Level("4 sections (20 %)", 0.20),
    Level("8 sections (40 %)", 0.40),
    Level("all 20 sections", 1.0),
)
