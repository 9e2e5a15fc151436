"""Lost sections filled from their neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cellml.errors import CellmlError
from cellml.imaging.frame import require_range
from cellml.imaging.repairs.sections import Section, Sections


@dataclass(frozen=True)
class MissingSectionRepair:
    """Replaces lost sections by linear interpolation between the nearest sections that are there; at the ends, by the nearest.

    sections: numbers of the lost ones, none to find them: a section counts as lost where its standard deviation is below `least` of the
    median over sections (blank), or where it differs from the section before by less than `least` of it (repeated).
    """

    sections: Sequence[int] | None = None
    least: float = 0.1

    def __post_init__(self) -> None:
        require_range(self.least, 0, 1, "least share of the deviation")

    def prepare(self, sections: Sections) -> Callable[[int], Section]:
        """Finds the lost sections. Raises CellmlError where all are lost, or one is named that the image does not have."""
        lost = self.find(sections) if self.sections is None else sorted({int(z) for z in self.sections})
        if any(not 0 <= z < sections.depth for z in lost):
            raise CellmlError(f"Sections {lost} are named as lost, but {sections.name} has the sections 0 to {sections.depth - 1}.")
        there = np.setdiff1d(np.arange(sections.depth), lost)
        if not len(there):
            raise CellmlError(f"All {sections.depth} sections of {sections.name} are lost; nothing is left to fill them from.")

        def repaired(z: int) -> Section:
            above = int(np.searchsorted(there, z))
            if above < len(there) and there[above] == z:
                return sections.read(z)
            low, high = int(there[max(above - 1, 0)]), int(there[min(above, len(there) - 1)])
            weight = np.float32(np.clip((z - low) / (high - low), 0, 1)) if high > low else np.float32(0)
            return np.asarray((1 - weight) * sections.read(low) + weight * sections.read(high), np.float32)

        return repaired

    def find(self, sections: Sections) -> list[int]:
        """Numbers of blank and repeated sections."""
        deviations, changes = np.zeros(sections.depth), np.full(sections.depth, np.inf)
        before = None
        for z in range(sections.depth):
            section = sections.read(z)
            deviations[z] = section.std()
            if before is not None:
                changes[z] = (section - before).std()
            before = section
        typical = float(np.median(deviations))
        return [int(z) for z in np.flatnonzero((deviations <= self.least * typical) | (changes <= self.least * typical))]
