"""What lies where in a block: cells and organelles on the fine grid that it is painted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.shapes.organelles.room import held_voxels
from cellml.shapes.synthetic.contents import Contents
from cellml.shapes.synthetic.grid import Grid
from cellml.shapes.synthetic.tissue import Numbers, Tissue

MEMBRANE, CYTOPLASM = 0, 1  # classes; kinds of organelles follow in their order


@dataclass(frozen=True, eq=False)
class Scene:
    """cells, organelles: (Z, Y, X) numbers, 0 for none; kinds: the kind of organelle n at kinds[n], −1 at 0; names: of the kinds."""

    grid: Grid
    cells: Numbers
    organelles: Numbers
    kinds: NDArray[np.int64]
    names: tuple[str, ...]

    def to_membrane(self) -> NDArray[np.float32]:
        """Distance of each voxel's centre to the nearest face between two cells, nm; half a voxel where it has such a face."""
        from scipy.ndimage import distance_transform_edt

        beside = np.zeros(self.cells.shape, bool)
        for axis in range(3):
            low, high = (np.moveaxis(beside, axis, 0)[part] for part in (slice(None, -1), slice(1, None)))
            one, other = (np.moveaxis(self.cells, axis, 0)[part] for part in (slice(None, -1), slice(1, None)))
            low |= one != other
            high |= one != other
        if not beside.any():
            return np.full(self.cells.shape, np.inf, np.float32)
        half = 0.5 * min(self.grid.spacing)
        return np.asarray(distance_transform_edt(~beside, sampling=self.grid.spacing) + half, np.float32)


def scene_of(tissue: Tissue, contents: Contents, grid: Grid, names: Sequence[str]) -> Scene:
    """Cells and organelles on a grid; an organelle keeps the voxels that its own cell holds there and no earlier organelle has."""
    cells = tissue.cells(grid)
    organelles = np.zeros(grid.shape, np.int32)
    spacing, origin = np.array(grid.spacing), np.array(grid.origin)
    for number, (placed, home) in enumerate(zip(contents.placed, contents.cells, strict=True), 1):
        box, held, _ = held_voxels(placed.surface, grid.shape, spacing, origin)
        organelles[box][held & (cells[box] == home) & (organelles[box] == 0)] = number
    kinds = np.array([-1, *(list(names).index(p.kind) for p in contents.placed)])
    return Scene(grid, cells, organelles, kinds, tuple(names))


def classes_of(scene: Scene, membrane_nm: float, to_membrane: NDArray[np.float32]) -> NDArray[np.uint8]:
    """MEMBRANE within half its thickness of where cells meet, else CYTOPLASM, or 2 + the kind of the organelle; (Z, Y, X)."""
    found = np.where(to_membrane < membrane_nm / 2, MEMBRANE, CYTOPLASM).astype(np.uint8)
    found[scene.cells == 0] = MEMBRANE
    inside = scene.organelles > 0
    found[inside] = 2 + scene.kinds[scene.organelles[inside]]
    return found
