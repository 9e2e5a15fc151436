"""Pairs of voxels (v, v + o) at fixed offsets, and the affinities that labels give them.

An affinity array is (K, Z, Y, X): channel k at voxel v concerns the pair (v, v + offsets[k]), 1 where both belong to one object and 0 where
they do not. The first three offsets are the nearest neighbours, (-1, 0, 0), (0, -1, 0), (0, 0, -1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Offset = tuple[int, int, int]

# What probabilities may exceed 1 by: they are means over overlapping tiles, whose weights add up to 1 but for rounding.
BLENDED = 1e-5

NEAREST: tuple[Offset, ...] = ((-1, 0, 0), (0, -1, 0), (0, 0, -1))


def check_offsets(offsets: Sequence[Sequence[int]], channels: int | None = None) -> tuple[Offset, ...]:
    """The offsets as a tuple of (z, y, x) whole voxels.

    Raises CellmlError unless the first three are the nearest neighbours, none repeats or is zero, and there is one for each channel.
    """
    if any(len(offset) != 3 or any(c != int(c) for c in offset) for offset in offsets):
        raise CellmlError(f"Each offset must be three whole numbers of voxels (z, y, x), got {list(offsets)}.")
    checked = tuple((int(z), int(y), int(x)) for z, y, x in offsets)
    if checked[:3] != NEAREST:
        raise CellmlError(f"The first three offsets must be {list(NEAREST)}, got {list(checked[:3])}.")
    mirrored = {(-z, -y, -x) for z, y, x in checked}
    if len(mirrored | set(checked)) != 2 * len(checked):
        raise CellmlError(f"Offsets must differ from each other, from their opposites and from (0, 0, 0), got {list(checked)}.")
    if channels is not None and channels != len(checked):
        raise CellmlError(f"The affinities have {channels} channels, but there are {len(checked)} offsets: {list(checked)}.")
    return checked


def pair_slices(shape: Sequence[int], offset: Offset) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Slices (here, there) of a (Z, Y, X) array: array[here] at v and array[there] at v + offset, for all v with both in the volume.

    Both are empty if the offset reaches beyond the volume.
    """
    here, there = [], []
    for size, step in zip(shape, offset, strict=True):
        inside = max(size - abs(step), 0)
        start = max(-step, 0)
        here.append(slice(start, start + inside))
        there.append(slice(start + step, start + step + inside) if inside else slice(0, 0))
    return tuple(here), tuple(there)


def affinities_from_labels(
    labels: NDArray[Any], offsets: Sequence[Sequence[int]], *, ignore: int | None = None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Affinities of a label volume, and where they are defined.

    labels: (Z, Y, X) integers, 0 is background. Returns affinities (K, Z, Y, X) float32, 1 iff the labels at v and v + o are equal and
    above 0, and mask (K, Z, Y, X) bool, false where v + o lies outside the volume or either voxel carries the label `ignore`.
    """
    labels = np.asarray(labels)
    affinities = np.zeros((len(offsets), *labels.shape), np.float32)
    mask = np.zeros(affinities.shape, bool)
    for channel, offset in enumerate(offsets):
        here, there = pair_slices(labels.shape, (offset[0], offset[1], offset[2]))
        a, b = labels[here], labels[there]
        known = np.ones(a.shape, bool) if ignore is None else (a != ignore) & (b != ignore)
        affinities[channel][here] = (a == b) & (a > 0) & known
        mask[channel][here] = known
    return affinities, mask
