"""How alike two sets of shapes on grids are, by a few numbers of each shape: quick enough to look at while a generator learns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NAMES = ("log_unit", "log_volume", "extent_z", "extent_y", "extent_x", "compactness")


def grid_statistics(grids: NDArray[np.floating], units: NDArray[np.floating]) -> Floats:
    """(N, 6), named by `NAMES`, of grids (N, Z, Y, X) in voxels, negative inside, and units (N,) nm a voxel.

    Natural logarithms of the unit (nm) and of the volume (nm³); deviations of the inside voxels along each axis (voxels); and
    36 π V² / A³, which is 1 for a ball, A counted by faces of voxels times 2/3, their mean excess over all directions. A grid with nothing
    inside counts as one voxel.
    """
    found = []
    for grid, unit in zip(np.asarray(grids, float), np.asarray(units, float), strict=True):
        inside = np.pad(grid < 0, 1)
        places = np.argwhere(inside)
        volume = max(1, len(places))
        extents = places.std(axis=0) if len(places) else np.zeros(3)
        faces = sum(int((np.diff(inside.astype(np.int8), axis=axis) != 0).sum()) for axis in range(3))
        found.append([np.log(unit), np.log(volume * unit**3), *extents, 36 * np.pi * volume**2 / max(1.0, faces * 2 / 3) ** 3])
    return np.array(found)


def statistics_distance(generated: Floats, real: Floats) -> Floats:
    """Wasserstein-1 distance of each column over the real ones' deviation, (S,): 0 alike, 1 a deviation apart. (N, S), (M, S).

    In one dimension it is the area between the quantile functions (Vallender 1974), here at 200 evenly spaced shares.
    """
    shares = (np.arange(200) + 0.5) / 200
    gap = np.abs(np.quantile(generated, shares, axis=0) - np.quantile(real, shares, axis=0)).mean(axis=0)
    return np.asarray(gap / np.maximum(real.std(axis=0), 1e-9))
