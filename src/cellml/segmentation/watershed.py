"""Seeded watershed on the affinity of voxels to their neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.segmentation.clean import clean
from cellml.segmentation.fragments import boundary_distance, check_affinities, foreground, voxel_affinity


@dataclass(frozen=True)
class Watershed:
    """Seeds are the connected cores of objects, and flooding from low to high boundary gives every other voxel to one of them.

    A core is a face-connected set of voxels that lie more than `seed_distance` (in units of `sampling`) from the nearest voxel whose
    `voxel_affinity` is at most `threshold`. Larger values of both give more and smaller objects; nothing is merged afterwards, so that
    thin necks break. background_below: voxels whose affinity is below it stay 0; min_size: smaller objects (voxels) are absorbed by their
    strongest neighbour; max_enclosed: holes (of the mask too) and islands up to this size go to the one object that encloses them;
    sampling: voxel size along (z, y, x) in any one unit.
    """

    threshold: float = 0.5
    seed_distance: float = 2.0
    background_below: float = 0.0
    min_size: int = 100
    max_enclosed: int = 0
    sampling: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sampling", tuple(float(s) for s in self.sampling))

    def __call__(
        self, affinities: NDArray[Any], offsets: Sequence[Sequence[int]], mask: NDArray[np.bool_] | None = None
    ) -> NDArray[np.uint32]:
        """Objects (Z, Y, X) from affinities (K, Z, Y, X) in [0, 1]; 0 outside `mask` and in the background."""
        from scipy.ndimage import label
        from skimage.segmentation import watershed

        check_affinities(affinities, offsets, mask)
        inside = voxel_affinity(affinities)
        mask = foreground(inside, self.background_below, mask)
        cores = inside > self.threshold
        if self.seed_distance > 0.0:
            cores = boundary_distance(inside, self.threshold, self.sampling) > self.seed_distance
        seeds, _ = label(cores if mask is None else cores & mask)
        labels = watershed(1.0 - inside, seeds, mask=mask).astype(np.uint32)
        return clean(labels, affinities, self.min_size, self.max_enclosed)
