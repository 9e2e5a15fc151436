"""Connected components of voxels that are joined pair by pair, and what is known of each, in one pass over the voxels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.pixels.compiled import compiled


@dataclass(frozen=True, eq=False)
class Measured:
    """What is known of labels 1 … N of an array: sizes (N,) voxels; first (N,) the flat index of the first voxel of each in memory order;
    low, high (N, 3): its bounding box (z, y, x), high exclusive.
    """

    sizes: NDArray[np.int64]
    first: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]


def joined_components(inside: NDArray[np.bool_], joined: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Components of voxels, numbered from 1 in the memory order of their first voxels.

    inside: (Z, Y, X), voxels to label; joined: (3, Z, Y, X), whether a voxel belongs together with the one before it along z, y, x; both
    must then be inside. Union by smaller index with path halving (Tarjan 1975), so that a root is the first voxel of its component.
    """
    shape = inside.shape
    kind = np.int32 if inside.size < 2**31 else np.int64
    parent, labels = np.empty(inside.size, kind), np.empty(inside.size, np.uint32)
    strides = np.array([shape[1] * shape[2], shape[2], 1], np.int64)
    _join(np.ascontiguousarray(inside).reshape(-1), np.ascontiguousarray(joined).reshape(3, -1), strides, parent)
    _number(parent, labels)
    return labels.reshape(shape)


def measured(labels: NDArray[np.uint32]) -> Measured:
    """Size, first voxel and bounding box of each of the labels 1 … max of (Z, Y, X)."""
    count = int(labels.max(initial=0))
    sizes, first = np.zeros(count, np.int64), np.zeros(count, np.int64)
    low, high = np.full((count, 3), np.iinfo(np.int64).max), np.zeros((count, 3), np.int64)
    _measure(labels, sizes, first, low, high)
    return Measured(sizes, first, low, high)


@compiled
def _join(inside: Any, joined: Any, strides: Any, parent: Any) -> None:
    for voxel in range(inside.size):
        if not inside[voxel]:
            parent[voxel] = -1
            continue
        parent[voxel] = voxel
        root = voxel
        for axis in range(3):
            if joined[axis, voxel]:
                other = voxel - strides[axis]
                while parent[other] != other:
                    parent[other] = parent[parent[other]]
                    other = parent[other]
                if other < root:
                    parent[root] = other
                    root = other
                elif root < other:
                    parent[other] = root


@compiled
def _number(parent: Any, labels: Any) -> None:
    count = 0
    for voxel in range(parent.size):
        root = parent[voxel]
        if root < 0:
            labels[voxel] = 0
        elif root == voxel:
            count += 1
            labels[voxel] = count
        else:
            while parent[root] != root:
                root = parent[root]
            parent[voxel] = root
            labels[voxel] = labels[root]


@compiled
def _measure(labels: Any, sizes: Any, first: Any, low: Any, high: Any) -> None:
    voxel = 0
    for z in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            for x in range(labels.shape[2]):
                number = labels[z, y, x]
                if number > 0:
                    one = number - 1
                    if sizes[one] == 0:
                        first[one] = voxel
                        low[one, 0] = z
                    sizes[one] += 1
                    low[one, 1] = min(low[one, 1], y)
                    low[one, 2] = min(low[one, 2], x)
                    high[one, 0] = z + 1
                    high[one, 1] = max(high[one, 1], y + 1)
                    high[one, 2] = max(high[one, 2], x + 1)
                voxel += 1
