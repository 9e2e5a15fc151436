"""Hidden surfaces by a z-buffer in numpy: which triangle each pixel of a picture shows (Catmull 1974).

Pictures of meshes need no window system this way, and unlike sorting by depth (the painter's algorithm) it is right for triangles that
overlap in a circle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

_AT_ONCE = 1_000_000  # candidate pixels: temporary arrays of a few megabytes stay in the processor's cache


@dataclass(frozen=True)
class Raster:
    """triangle: (H, W) number of the nearest triangle, -1 where there is none; depth: (H, W) float32 coordinate towards the eye."""

    triangle: Index
    depth: NDArray[np.float32]


def rasterise(corners: Floats, height: int, width: int) -> Raster:
    """Draw triangles in orthographic projection.

    corners: (F, 3, 3), columns (column, row, towards the eye), the first two in pixels, where pixel (i, j) has its centre at column j + ½
    and row i + ½. Triangles that turn their back to the eye (clockwise, with rows counted downwards) are left out: those of a closed
    surface are hidden anyway.
    """
    nearest = np.full(height * width, -np.inf, np.float32)
    triangle = np.full(height * width, -1, np.int64)
    weights = barycentric_planes(corners)
    for chosen, tall, broad in _batches(corners, height, width):
        pixel, number, depth = _covered(corners, weights, chosen, (tall, broad), (height, width))
        np.maximum.at(nearest, pixel, depth)
        won = depth == nearest[pixel]
        triangle[pixel[won]] = number[won]
    return Raster(triangle.reshape(height, width), nearest.reshape(height, width))


def barycentric_planes(corners: Floats) -> Floats:
    """The barycentric coordinates of triangles as functions of the place: w_i(column, row) = p_i0 + p_i1 column + p_i2 row.

    corners: (F, 3, 3), of which depth is not used. Returns p, (F, 3, 3). Flat triangles get weights of −1, so that nothing lies in them.
    """
    x, y = corners[:, :, 0], corners[:, :, 1]
    xn, yn, xp, yp = (np.roll(values, shift, axis=1) for shift in (-1, -2) for values in (x, y))
    area = ((x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0]))[:, None]
    flat = np.abs(area) < 1e-12
    planes = np.stack([xn * yp - xp * yn, yn - yp, xp - xn], axis=2) / np.where(flat, 1.0, area)[..., None]
    planes[flat[:, 0]] = [-1.0, 0.0, 0.0]
    return np.asarray(planes)


def _batches(corners: Floats, height: int, width: int) -> Iterator[tuple[Index, int, int]]:
    """Front-facing triangles inside the picture in groups, with the height and width in pixels of a box that holds any of the group."""
    low, high = corners[:, :, :2].min(axis=1), corners[:, :, :2].max(axis=1)
    a, b, c = (corners[:, i, :2] for i in range(3))
    front = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1]) < 0
    inside = (high > 0).all(axis=1) & (low < [width, height]).all(axis=1)
    shown = np.flatnonzero(front & inside)
    # Sizes in steps of a half power of two: few groups, and few pixels in vain.
    level = np.ceil(2 * np.log2(np.floor(high[shown]) - np.floor(low[shown]) + 1)).astype(np.int64)
    for broad, tall in np.unique(level, axis=0).tolist():
        group = shown[(level == [broad, tall]).all(axis=1)]
        box = (int(2 ** (tall / 2)), int(2 ** (broad / 2)))
        step = max(1, _AT_ONCE // (box[0] * box[1]))
        for first in range(0, len(group), step):
            yield (group[first : first + step], *box)


def _covered(
    corners: Floats, weights: Floats, chosen: Index, box: tuple[int, int], picture: tuple[int, int]
) -> tuple[Index, Index, NDArray[np.float32]]:
    """The pixels whose centres lie in the chosen triangles: number of pixel, of triangle, and depth there."""
    corner = np.floor(corners[chosen, :, :2].min(axis=1))
    planes = weights[chosen].copy()
    # Counted from the first pixel of each box, so that single precision is enough.
    planes[:, :, 0] += np.einsum("nik,nk->ni", planes[:, :, 1:], corner + 0.5)
    depth = np.einsum("ni,nik->nk", corners[chosen, :, 2], planes)
    rows, columns = (np.arange(side, dtype=np.float32) for side in box)

    def on_grid(plane: Floats) -> NDArray[np.float32]:
        level, across, down = (plane[:, k, None, None].astype(np.float32) for k in range(3))
        return np.asarray(level + across * columns + down * rows[:, None])

    inside = np.minimum(np.minimum(on_grid(planes[:, 0]), on_grid(planes[:, 1])), on_grid(planes[:, 2])) >= -1e-5
    number, row, column = np.nonzero(inside)
    height = on_grid(depth)[inside]
    column, row = column + corner[number, 0].astype(np.int64), row + corner[number, 1].astype(np.int64)
    visible = (column >= 0) & (column < picture[1]) & (row >= 0) & (row < picture[0])
    return (row * picture[1] + column)[visible], chosen[number[visible]], height[visible]
