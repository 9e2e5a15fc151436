"""Pairs of overlapping boxes, found on uniform grids of several sizes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

_MOST_CELLS = 2**20  # along an axis, so that the number of a cell fits 63 bits
_MOST_PAIRS = 1_000_000  # examined at a time: about 100 MB


def overlapping_boxes(low: Floats, high: Floats) -> Iterator[tuple[Index, Index]]:
    """Pairs (i, j) of boxes that share at least a point, each pair once, a portion at a time.

    low, high: (N, 3), corners of the boxes. A box belongs to the level whose cells are just larger than it; boxes of a level meet those of
    the same and of finer levels in the cells of the coarser. Both then cover a few cells each, whatever the spread of sizes, and a pair
    counts only in the cell of the lower corner of its overlap. Memory is bounded by a portion of pairs, however crowded the boxes are.
    """
    if len(low) < 2:
        return
    size = (high - low).max(axis=1)
    span = float((high.max(axis=0) - low.min(axis=0)).max()) or 1.0
    base = max(float(np.median(size)), span / _MOST_CELLS)
    level = np.maximum(np.ceil(np.log2(np.maximum(size, base) / base)), 0).astype(int)
    origin = low.min(axis=0)
    for coarse in np.unique(level):
        cell = base * 2.0 ** int(coarse)
        first, last = (np.floor((corner - origin) / cell).astype(np.int64) for corner in (low, high))
        here, finer = np.flatnonzero(level == coarse), np.flatnonzero(level < coarse)
        members = _cells(here, first, last)
        yield from _joined(members, members, low, high, first, same=True)
        if len(finer):
            yield from _joined(_cells(finer, first, last), members, low, high, first, same=False)


def _cells(boxes: Index, first: Index, last: Index) -> tuple[Index, Index]:
    """Number of each cell that a box covers, ascending, and the box, (M,) and (M,)."""
    counts = last[boxes] - first[boxes] + 1
    total = counts.prod(axis=1)
    owner = np.repeat(np.arange(len(boxes)), total)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(total) - total, total)
    ny, nz = counts[owner, 1], counts[owner, 2]
    step = np.stack([place // (ny * nz), place // nz % ny, place % nz], axis=1)
    cell = _number(first[boxes][owner] + step)
    order = np.argsort(cell, kind="stable")
    return cell[order], boxes[owner[order]]


def _number(cell: Index) -> Index:
    return np.asarray((cell[:, 0] * (_MOST_CELLS + 1) + cell[:, 1]) * (_MOST_CELLS + 1) + cell[:, 2])


def _joined(
    left: tuple[Index, Index], right: tuple[Index, Index], low: Floats, high: Floats, first: Index, *, same: bool
) -> Iterator[tuple[Index, Index]]:
    """Overlapping pairs with one box of either list in the same cell; the lists are one (`same`) or disjoint."""
    begin = np.searchsorted(right[0], left[0], side="left")
    end = np.searchsorted(right[0], left[0], side="right")
    if same:
        begin = np.arange(len(left[0])) + 1
    ends = np.cumsum(end - begin)
    start = 0
    while start < len(ends):
        stop = max(int(np.searchsorted(ends, (ends[start - 1] if start else 0) + _MOST_PAIRS, side="right")), start + 1)
        count = (end - begin)[start:stop]
        owner = np.repeat(np.arange(start, stop), count)
        partner = np.repeat(begin[start:stop] - np.cumsum(count) + count, count) + np.arange(len(owner))
        i, j = left[1][owner], right[1][partner]
        # Filtered axis by axis: most pairs of a cell do not overlap along the first.
        for axis in range(3):
            apart = (low[i, axis] > high[j, axis]) | (low[j, axis] > high[i, axis])
            i, j, owner = i[~apart], j[~apart], owner[~apart]
        once = _number(np.maximum(first[i], first[j])) == left[0][owner]
        yield i[once], j[once]
        start = stop
