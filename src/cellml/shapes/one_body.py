"""A generated grid as one body: what floats beside the largest part, and hollows that no path leads out of, are not of the shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float64]


def one_body(grid: NDArray[np.floating], name: str = "shape") -> tuple[Floats, float]:
    """Keep the largest part that is inside (joined by faces of voxels), filled; the border of the grid is outside.

    grid: (Z, Y, X) signed distances in voxels, negative inside. Voxels that change sides get half a voxel's distance at most, so that the
    surface elsewhere stays where it was. Returns the grid and the share of inside voxels that was dropped. Raises CellmlError where
    nothing is inside.
    """
    from scipy import ndimage

    values = np.array(grid, np.float64)
    inside = values < 0
    inside[[0, -1]] = inside[:, [0, -1]] = inside[:, :, [0, -1]] = False
    parts, count = ndimage.label(inside)
    if count == 0:
        raise CellmlError(f"The grid of {name!r} has no voxel inside a shape (least value {values.min():.3g}); draw another code.")
    sizes = np.bincount(parts.ravel())[1:]
    body = ndimage.binary_fill_holes(parts == 1 + int(sizes.argmax()))
    drop, fill = (values < 0) & ~body, (values >= 0) & body
    dropped = float(drop.sum() / (values < 0).sum())
    values[drop] = np.minimum(-values[drop], 0.5)
    values[fill] = np.maximum(-values[fill], -0.5)
    values[fill & (values == 0)] = -0.5
    return values, dropped


def distance_of_voxels(inside: NDArray[np.bool_], smoothing: float = 0.7) -> Floats:
    """Signed distance (Z, Y, X) in voxels, negative inside, of a body that is known by its voxels alone, smoothed by a Gaussian.

    Distances to the nearest voxel centre of the other side, less half a voxel (Euclidean transform). smoothing: σ in voxels, after which
    as many voxels are inside as before: the level is moved to the quantile. Raises CellmlError where no voxel, or every one, is inside.
    """
    from scipy import ndimage

    body = np.asarray(inside, bool)
    if not body.any() or body.all():
        raise CellmlError(f"{int(body.sum())} of {body.size} voxels are inside; a shape has some on either side. Draw another.")
    signed = np.where(body, 0.5 - ndimage.distance_transform_edt(body), ndimage.distance_transform_edt(~body) - 0.5)
    return smoothed(signed, smoothing)


def smoothed(grid: NDArray[np.floating], smoothing: float) -> Floats:
    """Signed distances (Z, Y, X), negative inside, smoothed by a Gaussian of σ = `smoothing` voxels, with as many voxels inside as before.

    The level is moved to the quantile, because a Gaussian alone shrinks what bulges. A grid with nothing, or everything, inside stays as
    it is.
    """
    from scipy import ndimage

    values = np.asarray(grid, np.float64)
    count = int((values < 0).sum())
    if not 0 < count < values.size:
        return values
    smooth = ndimage.gaussian_filter(values, smoothing, mode="nearest") if smoothing else values
    ranks = np.partition(smooth.ravel(), [count - 1, count])
    return np.asarray(smooth - (ranks[count - 1] + ranks[count]) / 2)
