"""Labels of blocks joined into those of the whole volume, through the faces that the blocks share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.blocks.grid import Grid, Region
from cellml.segmentation.piece import Piece

Remembered = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Stitched:
    """offsets: (blocks + 1,), so that label l of block b is entry offsets[b] + l − 1 of `numbers`: (N,) uint32, its number in the whole,
    0 where it is background. voxels, low, high: (objects,), (objects, 3), (objects, 3) of the objects 1 …, boxes (z, y, x), high exclusive.
    """

    offsets: NDArray[np.int64]
    numbers: NDArray[np.uint32]
    voxels: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]


def remembered(piece: Piece, region: Region, grid: Grid) -> dict[str, NDArray[Any]]:
    """What stitching needs to know of a block: sizes, first voxels (of the volume) and boxes of its labels, and its faces."""
    from cellml.segmentation.labelling import measured

    found = measured(piece.labels)
    start = np.array([part.start for part in region])
    places = np.stack(np.unravel_index(found.first, piece.labels.shape)) + start[:, None]
    facts: dict[str, NDArray[Any]] = {
        "sizes": found.sizes,
        "first": np.ravel_multi_index(tuple(places), grid.shape).astype(np.int64),
        "low": found.low + start,
        "high": found.high + start,
    }
    if piece.values is not None:
        facts["values"] = piece.values
    for axis in range(3):
        facts[f"link{axis}"] = piece.links[axis]
        facts[f"begin{axis}"] = np.take(piece.labels, 0, axis=axis)
        facts[f"end{axis}"] = np.take(piece.labels, -1, axis=axis)
    return facts


def stitch(grid: Grid, read: Callable[[int], Remembered], least: int = 0) -> Stitched:
    """Join what belongs together across faces, drop what has fewer than `least` voxels, and number the rest.

    read(number): what is `remembered` of a block; of the faces two blocks are held at a time. Objects are numbered from 1 in the memory
    order of their first voxels in the volume, so that the order in which blocks were done has no say; classes keep their values.
    """
    blocks = [{name: read(number)[name] for name in ("sizes", "first", "low", "high")} for number in range(len(grid))]
    offsets = np.concatenate([[0], np.cumsum([len(block["sizes"]) for block in blocks])]).astype(np.int64)
    sizes, first, low, high = (np.concatenate([block[name] for block in blocks]) for name in ("sizes", "first", "low", "high"))
    group = _groups(int(offsets[-1]), _pairs(grid, read, offsets))
    count = int(group.max(initial=-1)) + 1
    voxels, begin = np.zeros(count, np.int64), np.full(count, np.iinfo(np.int64).max)
    np.add.at(voxels, group, sizes)
    np.minimum.at(begin, group, first)
    lows, highs = np.full((count, 3), np.iinfo(np.int64).max), np.zeros((count, 3), np.int64)
    np.minimum.at(lows, group, low)
    np.maximum.at(highs, group, high)
    order = np.argsort(begin, kind="stable")
    order = order[voxels[order] >= max(least, 1)]
    number = np.zeros(count, np.uint32)
    number[order] = np.arange(1, len(order) + 1)
    values = [read(one).get("values") for one in range(len(grid))]
    numbers = number[group]
    if values and values[0] is not None:
        numbers = np.where(numbers > 0, np.concatenate([v for v in values if v is not None]), 0).astype(np.uint32)
    return Stitched(offsets, numbers, voxels[order], lows[order], highs[order])


def renumbered(labels: NDArray[np.uint32], numbers: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Labels of a block, 1 … n, by their numbers in the whole (n,); 0 stays 0."""
    return np.concatenate([np.zeros(1, np.uint32), numbers])[labels]


def _pairs(grid: Grid, read: Callable[[int], Remembered], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs (P, 2) of entries that belong together."""
    found = [np.zeros((0, 2), np.int64)]
    for axis, before, behind in grid.faces():
        linked = read(behind)[f"link{axis}"]
        one = read(before)[f"end{axis}"][linked].astype(np.int64) + offsets[before] - 1
        other = read(behind)[f"begin{axis}"][linked].astype(np.int64) + offsets[behind] - 1
        found.append(np.unique(np.stack([one, other], axis=1), axis=0))
    return np.concatenate(found)


def _groups(count: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """The group of each entry, (count,), numbered from 0."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64) if count else np.zeros(0, np.int64)
