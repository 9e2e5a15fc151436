"""Objects as connected components of pairs of voxels: the decoder that can be taken apart into blocks and put together exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.segmentation.fragments import check_affinities
from cellml.segmentation.neighbourhood import NEAREST, pair_slices
from cellml.segmentation.piece import Inner, Piece, piece_of_pairs


@dataclass(frozen=True)
class ThresholdComponents:
    """Two neighbours by a face belong together where their affinity is above `threshold`; objects are what hangs together through pairs.

    The single linkage of the nearest-neighbour affinities: one leak joins two objects, so the threshold is better high than low. Voxels
    that are joined to none stay background; min_size: so do objects of fewer voxels. Unlike decoders that weigh all contacts at once,
    what a block holds does not depend on what lies beyond it but through its faces, so that `cellml blockwise` gives the same objects as
    the whole volume at once.
    """

    whole_sections: ClassVar[bool] = False
    context: ClassVar[int] = 1
    leading: ClassVar[int | None] = len(NEAREST)

    threshold: float = 0.5
    min_size: int = 100

    def __post_init__(self) -> None:
        if not 0.0 <= self.threshold < 1.0 or self.min_size < 0:
            raise CellmlError(
                f"Components need a threshold in [0, 1) and a min_size of at least 0, got {self.threshold} and {self.min_size}."
            )

    @property
    def least(self) -> int:
        """Voxels of the smallest object."""
        return self.min_size

    def __call__(
        self, affinities: NDArray[Any], offsets: Sequence[Sequence[int]], mask: NDArray[np.bool_] | None = None
    ) -> NDArray[np.uint32]:
        """Objects (Z, Y, X) of affinities (K, Z, Y, X) in [0, 1], numbered in the memory order of first voxels; 0 outside `mask`."""
        from cellml.segmentation.labelling import joined_components

        check_affinities(affinities, offsets, mask)
        labels = joined_components(*self._pairs(affinities, mask))
        kept = np.bincount(labels.reshape(-1)) >= max(self.min_size, 1)
        kept[0] = False
        return np.where(kept, np.cumsum(kept), 0).astype(np.uint32)[labels]

    def piece(self, probabilities: NDArray[Any], offsets: Sequence[Any], inner: Inner) -> Piece:
        """As `PiecewiseDecoder`; probabilities are affinities."""
        check_affinities(probabilities, offsets)
        return piece_of_pairs(*self._pairs(probabilities, None), inner)

    def _pairs(self, affinities: NDArray[Any], mask: NDArray[np.bool_] | None) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which voxels are joined to any neighbour (Z, Y, X), and which to the one before along each axis (3, Z, Y, X)."""
        shape = affinities.shape[1:]
        inside, joined = np.zeros(shape, bool), np.zeros((3, *shape), bool)
        for axis, offset in enumerate(NEAREST):
            here, there = pair_slices(shape, offset)
            pairs = affinities[axis][here] > self.threshold
            if mask is not None:
                pairs &= mask[here].astype(bool) & mask[there].astype(bool)
            joined[axis][here] = pairs
            inside[here] |= pairs
            inside[there] |= pairs
        return inside, joined
