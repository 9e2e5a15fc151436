"""The voxels that something is evaluated at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Triple

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """shape: (Z, Y, X); spacing: (z, y, x) in nm; origin: centre of the first voxel, (z, y, x) in nm. Raises CellmlError for sizes that are
    not positive.
    """

    shape: tuple[int, int, int]
    spacing: Triple
    origin: Triple = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or len(self.spacing) != 3 or min(self.shape) < 1 or not min(self.spacing) > 0:
            raise CellmlError(
                f"A block needs three sizes and three positive voxel sizes (z, y, x), got shape {tuple(self.shape)} and spacing "
                f"{tuple(self.spacing)} nm."
            )

    @property
    def extent(self) -> Floats:
        """Lengths of the box of all voxels, (z, y, x) in nm."""
        return np.array(self.shape) * np.array(self.spacing)

    @property
    def volume(self) -> float:
        """Of all voxels, nm³."""
        return float(self.extent.prod())

    def axes(self) -> list[Floats]:
        """Coordinates of the voxels' centres along z, y and x, nm."""
        return [np.asarray(o + s * np.arange(n), np.float64) for n, s, o in zip(self.shape, self.spacing, self.origin, strict=True)]

    def finer(self, steps: int) -> Grid:
        """The same box with so many planes for each section."""
        dz, dy, dx = self.spacing
        z, y, x = self.shape
        step = dz / steps
        return Grid((z * steps, y, x), (step, dy, dx), (self.origin[0] - (dz - step) / 2, *self.origin[1:]))

    def around(self, margin_nm: float, voxel_nm: float) -> Grid:
        """A grid of cubes of `voxel_nm` that covers this box and `margin_nm` on all sides."""
        low = np.array(self.origin) - np.array(self.spacing) / 2 - margin_nm
        z, y, x = (int(n) for n in np.ceil((self.extent + 2 * margin_nm) / voxel_nm))
        oz, oy, ox = (float(v) for v in low + voxel_nm / 2)
        return Grid((z, y, x), (voxel_nm,) * 3, (oz, oy, ox))
