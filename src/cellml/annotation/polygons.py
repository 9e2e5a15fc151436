"""Closed polygons to pixels and back.

One convention holds here: coordinates are (row, column) of pixel centres, so that pixel (i, j) has its centre at (i, j) and covers i ± ½,
j ± ½. A pixel belongs to a polygon if its centre lies inside by the even-odd rule; a centre exactly on an edge belongs to the side below
or right of it, so that two polygons that share an edge share no pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Patch:
    """Pixels within a box of a section. start: (row, column) of the box; inside: (H, W), true where a pixel belongs."""

    start: tuple[int, int]
    inside: NDArray[np.bool_]

    @property
    def area(self) -> int:
        """Number of pixels."""
        return int(self.inside.sum())

    def clipped(self, shape: Sequence[int]) -> tuple[tuple[slice, slice], NDArray[np.bool_]]:
        """Where the patch lies in a section of this shape, and its part in there (both empty where it lies outside)."""
        spans = [(max(0, s), min(size, s + n)) for s, n, size in zip(self.start, self.inside.shape, shape, strict=True)]
        if any(b <= a for a, b in spans):
            return (slice(0, 0), slice(0, 0)), self.inside[:0, :0]
        rows, columns = (slice(a, b) for a, b in spans)
        r, c = (slice(p.start - s, p.stop - s) for p, s in zip((rows, columns), self.start, strict=True))
        return (rows, columns), self.inside[r, c]


def polygon_patch(points: Floats) -> Patch:
    """The pixels of one closed polygon, (N, 2) rows and columns.

    An edge crosses the row r where r lies between its ends (the upper end counted, the lower not), at column c; every pixel of the row
    whose centre is at or right of c changes sides. The running parity of changes along the row is the even-odd rule. Work grows as
    the polygon's length plus its box.
    """
    a, b = points, np.roll(points, -1, axis=0)
    first, stop = int(np.ceil(points[:, 0].min())), int(np.ceil(points[:, 0].max()))
    left, right = int(np.ceil(points[:, 1].min())), int(np.ceil(points[:, 1].max()))
    if stop <= first:
        return Patch((first, left), np.zeros((0, 0), bool))
    rows, columns = _crossings(a, b)
    changes = np.zeros((stop - first, right - left + 1), np.int64)
    np.add.at(changes, (rows - first, columns - left), 1)
    return Patch((first, left), (np.cumsum(changes, axis=1) % 2 == 1)[:, :-1])


def _crossings(a: Floats, b: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row, and first column at or right of the crossing, wherever an edge a → b crosses the centres of a row."""
    upper, lower = np.where(a[:, :1] <= b[:, :1], a, b), np.where(a[:, :1] <= b[:, :1], b, a)
    first, stop = np.ceil(upper[:, 0]).astype(np.int64), np.ceil(lower[:, 0]).astype(np.int64)
    counts = stop - first
    edge = np.repeat(np.arange(len(a)), counts)
    rows = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    share = (rows - upper[edge, 0]) / (lower[edge, 0] - upper[edge, 0])
    crossing = upper[edge, 1] + share * (lower[edge, 1] - upper[edge, 1])
    # Rounding may carry a crossing beyond its edge, and with it out of the polygon's box.
    bounds = np.minimum(upper[edge, 1], lower[edge, 1]), np.maximum(upper[edge, 1], lower[edge, 1])
    return rows, np.ceil(np.clip(crossing, *bounds)).astype(np.int64)


def nested_mask(polygons: Sequence[Floats], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels of one object in one section, (H, W), from its closed polygons (N, 2).

    A polygon inside another is a hole, one inside the hole an island, and so on (even-odd by depth of nesting). Polygons that overlap only
    in part are united: nobody draws a hole that way. What lies outside the section is cut off.
    """
    mask = np.zeros(shape, bool)
    patches = sorted((polygon_patch(points) for points in polygons), key=lambda patch: -patch.area)
    for number, patch in enumerate(patches):
        depth = sum(_inside(patch, other) for other in patches[:number])
        place, inside = patch.clipped(shape)
        if inside.size:
            mask[place][inside] = depth % 2 == 0
    return mask


def _inside(patch: Patch, other: Patch) -> bool:
    """Whether all pixels of a patch lie in a larger one."""
    if patch.area == 0 or patch.area == other.area:
        return False
    offset = (patch.start[0] - other.start[0], patch.start[1] - other.start[1])
    place, within = Patch(offset, patch.inside).clipped(other.inside.shape)
    return int(within.sum()) == patch.area and bool(other.inside[place][within].all())


def mask_polygons(mask: NDArray[np.bool_], tolerance: float = 0.0) -> list[Floats]:
    """The closed polygons around a mask (H, W) and around its holes, each (N, 2) without a repeated end.

    Marching squares between pixel centres; with tolerance 0 `nested_mask` of them is the mask again, pixel for pixel. tolerance: largest
    distance in pixels by which points that lie almost on a line are dropped (Douglas & Peucker 1973).
    """
    from skimage.measure import approximate_polygon, find_contours

    found = []
    for outline in find_contours(np.pad(mask, 1).astype(np.float32), 0.5):
        reduced = approximate_polygon(outline, tolerance) if tolerance > 0 else _without_collinear(outline)
        if len(reduced) > 3:  # closed: the end repeats the beginning
            found.append(np.asarray(reduced[:-1] - 1.0, np.float64))
    return found


def _without_collinear(outline: Floats) -> Floats:
    """A closed outline without the points that lie exactly on the line between their neighbours."""
    before, after = np.diff(outline[:-1], axis=0, prepend=outline[-2:-1]), np.diff(outline, axis=0)
    keep = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) > 1e-9
    kept = outline[:-1][keep]
    return np.concatenate([kept, kept[:1]])
