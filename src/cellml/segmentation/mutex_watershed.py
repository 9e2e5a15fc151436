"""Mutex watershed: attraction and repulsion between voxels, strongest first, with mwatershed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.segmentation.clean import clean
from cellml.segmentation.fragments import check_affinities, foreground, voxel_affinity
from cellml.segmentation.neighbourhood import NEAREST, check_offsets, pair_slices


@dataclass(frozen=True)
class MutexWatershed:
    """Each pair of voxels attracts if its affinity is above a bias and repels below it; pairs act in order of |affinity − bias|.

    An attractive pair joins two clusters unless they exclude each other; a repulsive pair makes them exclude each other (Wolf et al.
    2018, doi:10.1007/978-3-030-01225-0_34). near_bias, far_bias: for the nearest neighbours and for the longer offsets, 0 to 1, larger
    for more and smaller objects; strides: use only every n-th voxel along (z, y, x) for the longer offsets, which otherwise repel too
    often; background_below: voxels whose `voxel_affinity` is below it stay 0; min_size: smaller objects (voxels) are absorbed by their
    strongest neighbour; max_enclosed: holes (of the mask too) and islands up to this size go to the one object that encloses them. Takes
    about 5 µs and 600 bytes a voxel: use FragmentMutexWatershed on large volumes.
    """

    near_bias: float = 0.4
    far_bias: float = 0.7
    strides: tuple[int, int, int] = (4, 4, 4)
    background_below: float = 0.0
    min_size: int = 100
    max_enclosed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "strides", tuple(int(s) for s in self.strides))
        if len(self.strides) != 3 or min(self.strides) < 1:
            raise CellmlError(f"Strides must be three whole numbers (z, y, x) of at least 1, got {self.strides}.")

    def __call__(
        self, affinities: NDArray[Any], offsets: Sequence[Sequence[int]], mask: NDArray[np.bool_] | None = None
    ) -> NDArray[np.uint32]:
        """Objects (Z, Y, X) from affinities (K, Z, Y, X) in [0, 1]; 0 outside `mask` and in the background."""
        import mwatershed

        check_affinities(affinities, offsets, mask)
        mask = foreground(voxel_affinity(affinities), self.background_below, mask)
        # mwatershed ends the interpreter's thread for an offset that reaches beyond the volume
        inside = [
            (k, o) for k, o in enumerate(check_offsets(offsets)) if all(abs(c) < n for c, n in zip(o, affinities.shape[1:], strict=True))
        ]
        if not inside:  # a single voxel
            return np.ones(affinities.shape[1:], np.uint32) if mask is None else mask.astype(np.uint32)
        weights = np.stack([affinities[k].astype(np.float64) - (self.near_bias if k < 3 else self.far_bias) for k, _ in inside])
        if mask is not None:
            _cut(weights, [o for _, o in inside], mask)
        strides = [(1, 1, 1) if o in NEAREST else self.strides for _, o in inside]
        clusters = mwatershed.agglom(weights, [o for _, o in inside], strides=strides)
        return clean(_consecutive(clusters, mask), affinities, self.min_size, self.max_enclosed)


def _cut(weights: NDArray[np.float64], offsets: Sequence[tuple[int, int, int]], mask: NDArray[np.bool_]) -> None:
    """Set the weights of pairs that leave the mask to 0, which mwatershed leaves out."""
    for channel, offset in enumerate(offsets):
        here, there = pair_slices(mask.shape, offset)
        weights[channel][here] *= mask[here] & mask[there]


def _consecutive(clusters: NDArray[np.uint64], mask: NDArray[np.bool_] | None) -> NDArray[np.uint32]:
    """Clusters numbered from 1, 0 outside the mask; voxels that joined nothing, which mwatershed leaves at 0, get their own number."""
    used = np.flatnonzero(np.bincount(clusters.reshape(-1).astype(np.int64)))
    number = np.zeros(int(clusters.max()) + 1, np.uint32)
    number[used[used > 0]] = np.arange(1, (used > 0).sum() + 1)
    labels = number[clusters]
    alone = clusters == 0 if mask is None else (clusters == 0) & mask
    labels[alone] = labels.max() + 1 + np.arange(alone.sum(), dtype=np.uint32)
    return labels if mask is None else np.where(mask, labels, np.uint32(0))
