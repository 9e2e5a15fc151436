"""The labelled voxels that a classifier is fitted to: drawn evenly from all classes, and their features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cellml.data.blocks import OpenBlock
from cellml.errors import CellmlError
from cellml.infer.predict import read_padded
from cellml.infer.tiles import Tile, plan_tiles
from cellml.pixels.features import PixelFeatures

_SLAB_VOXELS = 2**21
_TILE = (8, 512, 512)


@dataclass(frozen=True, eq=False)
class LabelledPixels:
    """features: (n, F) float32; classes: (n,) int64, numbers from 0."""

    features: NDArray[np.float32]
    classes: NDArray[np.int64]


def labelled_slabs(block: OpenBlock, target: Any) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.bool_]]]:
    """Yield (first section, class numbers (z, Y, X), where they are known), as `target` understands the labels.

    Raises CellmlError for a target that asks another question than the class of each voxel.
    """
    if target.kind != "semantic" and target.channels != 1:
        raise CellmlError(
            f"A pixel classifier answers one question for each voxel, and {type(target).__name__} asks {target.channels}; "
            "use a SemanticTarget or a BoundaryTarget."
        )
    depth, height, width = block.shape
    step = max(1, _SLAB_VOXELS // (height * width))
    for start in range(0, depth, step):
        stop, before = min(start + step, depth), max(0, start - 1)
        region = (slice(before, min(stop + 1, depth)), slice(0, height), slice(0, width))
        labels = block.read_labels(region)
        truth, mask = target(torch.from_numpy(labels.astype(np.int64))[None])
        numbers = truth[0].argmax(dim=0) if target.kind == "semantic" else truth[0, 0].long()
        inner = slice(start - before, stop - before)
        yield start, numbers[inner].numpy(), mask[0].any(dim=0)[inner].numpy()


def draw_positions(blocks: Sequence[OpenBlock], target: Any, count: int, seed: int, *, even: bool = True) -> list[NDArray[np.int64]]:
    """At most `count` known voxels, as one array (n, 4) for each block: z, y, x in the block, class.

    even: each class gets the same share, and what a rare class cannot fill goes to the others; otherwise classes are as frequent as
    labelled. The voxels are those with the smallest of random numbers, so that one pass in bounded memory is enough. Raises CellmlError
    where fewer than two classes are labelled.
    """
    rng = np.random.default_rng(seed)
    kept: dict[int, NDArray[np.float64]] = {}  # rows: key, block, z, y, x
    for index, block in enumerate(blocks):
        for first, numbers, known in labelled_slabs(block, target):
            flat = np.where(known, numbers, -1).ravel() if even else np.where(known, 0, -1).ravel()
            for name in np.unique(flat[flat >= 0]):
                places = np.flatnonzero(flat == name)
                keys = rng.random(len(places))
                best = np.argsort(keys, kind="stable")[:count]
                z, y, x = np.unravel_index(places[best], numbers.shape)
                rows = np.stack([keys[best], np.full(len(best), index), z + first, y, x, numbers[z, y, x]], axis=1)
                rows = np.concatenate([kept.get(int(name), np.empty((0, 6))), rows])
                kept[int(name)] = rows[np.argsort(rows[:, 0], kind="stable")[:count]]
    quotas = share_out([len(rows) for rows in kept.values()], count)
    chosen = np.concatenate([rows[:quota] for rows, quota in zip(kept.values(), quotas, strict=True)] or [np.empty((0, 6))])
    found = np.unique(chosen[:, 5]).astype(int).tolist()
    if len(found) < 2:
        raise CellmlError(
            f"A classifier needs labelled voxels of at least two classes, and {', '.join(b.name for b in blocks)} have {found}; "
            "label some of the other classes too."
        )
    return [chosen[chosen[:, 1] == index][:, 2:].astype(np.int64) for index in range(len(blocks))]


def draw_anywhere(blocks: Sequence[OpenBlock], count: int, seed: int) -> list[NDArray[np.int64]]:
    """`count` voxels of the blocks, labelled or not, each as likely as any other: (n, 4) for each block, the class −1."""
    rng = np.random.default_rng(seed)
    sizes = np.array([np.prod(block.shape) for block in blocks], float)
    numbers = rng.multinomial(count, sizes / sizes.sum())
    return [
        np.stack([*(rng.integers(0, size, number) for size in block.shape), np.full(number, -1)], axis=1)
        for block, number in zip(blocks, numbers, strict=True)
    ]


def share_out(available: Sequence[int], count: int) -> list[int]:
    """Even quotas of at most `count` in all, none above what is available; what one cannot fill, the others get."""
    quotas, left = [0] * len(available), count
    for done, index in enumerate(sorted(range(len(available)), key=lambda i: available[i])):
        quotas[index] = min(available[index], left // (len(available) - done))
        left -= quotas[index]
    return quotas


def pixels_at(blocks: Sequence[OpenBlock], positions: Sequence[NDArray[np.int64]], features: PixelFeatures) -> LabelledPixels:
    """The features at positions (n, 4) of each block; only tiles that hold a position are read and computed."""
    rows, classes = [], []
    for block, places in zip(blocks, positions, strict=True):
        for tile in _tiles(block.shape, features):
            low, high = np.array([[s.start, s.stop] for s in tile.keep]).T
            here = places[((places[:, :3] >= low) & (places[:, :3] < high)).all(axis=1)]
            if not len(here):
                continue
            fields = features(read_padded(block.read_image, tile.read, block.shape))
            z, y, x = ((here[:, :3] - [s.start for s in tile.read]) // features.stride).T
            rows.append(fields[:, z, y, x].T)
            classes.append(here[:, 3])
    return LabelledPixels(np.concatenate(rows), np.concatenate(classes))


def _tiles(shape: Sequence[int], features: PixelFeatures) -> Iterator[Tile]:
    tile = [-(-n // s) * s for n, s in zip(_TILE, features.stride, strict=True)]
    plan = plan_tiles(shape, tile=tile, halo=features.halo, overlap=(0, 0, 0), multiple=features.stride)
    for row in plan.rows():
        yield from row
