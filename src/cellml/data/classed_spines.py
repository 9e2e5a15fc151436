"""The spines of SpineTool as a population, as their archive has them: for grids of distances, which need no repaired surfaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cellml.shapes.population import Population


class ClassedSpines:
    """Reads the spines that the experts agreed to put into one of `classes`, 270 of 292 for all five; the image stack is the group.

    `cellml.shapes.reading.read_population("spines")` also repairs every surface, which takes minutes. A grid of distances does without:
    what is inside is asked of the winding number, which crossings of a surface with itself disturb only where it overlaps itself.
    """

    def __init__(self, classes: Sequence[str] = ("Mushroom", "Thin", "Stubby", "Filopodia", "Outlier")) -> None:
        self.classes = list(classes)

    def __call__(self) -> Population:
        """Surfaces in nm. Raises FileError for a missing archive, CellmlError for an unknown class."""
        from cellml.data.spine_meshes import read_spines
        from cellml.shapes.population import Population

        found = read_spines(self.classes)
        return Population(
            tuple(mesh.name for mesh in found),
            tuple(mesh.surface for mesh in found),
            tuple(mesh.group for mesh in found),
            tuple(self.classes[mesh.label] for mesh in found),
        )
