"""Dark to bright: for networks that know membranes as the other of the two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cellml.errors import CellmlError
from cellml.imaging.repairs.sections import Section, Sections


@dataclass(frozen=True)
class Invert:
    """Turns grey values over within their own range: v → least + greatest − v, so that they fit the number type that they had."""

    def prepare(self, sections: Sections) -> Callable[[int], Section]:
        """Finds the range. Raises CellmlError for NaN and infinite voxels."""
        ranges = np.array([_range(sections.read(z)) for z in range(sections.depth)])
        if not np.isfinite(ranges).all():
            raise CellmlError(f"{sections.name} holds NaN or infinite voxels; replace them first (`cellml check` lists where they are).")
        ends = np.float32(ranges[:, 0].min() + ranges[:, 1].max())
        return lambda z: np.asarray(ends - sections.read(z), np.float32)


def _range(section: Section) -> tuple[float, float]:
    return float(section.min()), float(section.max())
