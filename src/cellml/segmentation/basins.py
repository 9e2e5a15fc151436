"""Catchment basins by steepest ascent: a watershed without a queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Part = tuple[slice, ...]


def ascent_basins(
    height: NDArray[np.floating[Any]],
    mask: NDArray[np.bool_] | None = None,
    joined: NDArray[np.bool_] | None = None,
    axes: Sequence[int] = (0, 1, 2),
) -> NDArray[np.uint32]:
    """Label each voxel by the local maximum that steepest ascent leads to.

    Every voxel points to the highest of itself and its direct neighbours along `axes`, of the later one in memory where heights are
    equal: a strict order, so that no path is closed. Paths are followed by pointer doubling, p ← p[p]. height: (Z, Y, X) without NaN;
    mask: voxels to label; joined: (3, Z, Y, X), whether a path may pass between a voxel and the one before it along each axis, which a
    voxel without any passage disregards. Returns (Z, Y, X) uint32, maxima numbered from 1 in memory order, 0 outside the mask. Work grows
    as the number of voxels times the logarithm of the longest path.
    """
    if mask is not None:
        height = np.where(mask, height, -np.inf)
    parent = _steepest(height, axes, joined)
    if joined is not None:
        parent = np.where(_with_passage(joined, axes), parent, _steepest(height, axes, None))
    parent = parent.reshape(-1)
    while not np.array_equal(next_parent := parent[parent], parent):
        parent = next_parent
    summit = parent == np.arange(parent.size, dtype=parent.dtype)
    if mask is not None:
        summit &= mask.reshape(-1)
    number = np.cumsum(summit, dtype=np.uint32)
    basins = number[parent].reshape(height.shape)
    return basins if mask is None else np.where(mask, basins, np.uint32(0))


def _steepest(height: NDArray[np.floating[Any]], axes: Sequence[int], joined: NDArray[np.bool_] | None) -> NDArray[Any]:
    """Flat index of the highest of each voxel and its neighbours, (Z, Y, X)."""
    kind = np.int32 if height.size < 2**31 else np.int64
    index = np.arange(height.size, dtype=kind).reshape(height.shape)
    best, parent = height.copy(), index.copy()
    for ahead in (True, False):
        for axis in sorted(axes, reverse=True):  # the farthest neighbour in memory last, for it wins ties
            earlier, later = _neighbours(axis)
            here, there = (earlier, later) if ahead else (later, earlier)
            higher = height[there] >= best[here] if ahead else height[there] > best[here]
            if joined is not None:
                higher &= joined[axis][later]
            np.copyto(best[here], height[there], where=higher)
            np.copyto(parent[here], index[there], where=higher)
    return parent


def _with_passage(joined: NDArray[np.bool_], axes: Sequence[int]) -> NDArray[np.bool_]:
    """Voxels that a path may leave along some axis, (Z, Y, X)."""
    passage = np.zeros(joined.shape[1:], bool)
    for axis in axes:
        for part in _neighbours(axis):
            passage[part] |= joined[axis][_neighbours(axis)[1]]
    return passage


def _neighbours(axis: int) -> tuple[Part, Part]:
    earlier, later = [slice(None)] * 3, [slice(None)] * 3
    earlier[axis], later[axis] = slice(None, -1), slice(1, None)
    return tuple(earlier), tuple(later)
