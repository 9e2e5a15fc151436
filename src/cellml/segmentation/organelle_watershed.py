"""Organelles from their foreground, boundary and distance maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.segmentation.section_watershed import without_small


@dataclass(frozen=True)
class OrganelleWatershed:
    """Seeds deep inside organelles and off their boundaries, flooded over the foreground in the order of distance (Wei et al. 2020).

    A voxel is foreground where its probability is at least `foreground`; seeds are the 6-connected regions of the foreground with distance
    of at least `seed_distance` (0 to 1, ½ on the surface) and boundary probability below `seed_boundary`; foreground without a seed keeps
    together as an object of its own. Larger seed_distance and smaller seed_boundary break more contacts, and more thin organelles.
    min_seed, min_size: smaller seeds and objects (voxels) are dropped.
    """

    foreground: float = 0.5
    seed_distance: float = 0.6
    seed_boundary: float = 0.5
    min_seed: int = 10
    min_size: int = 100

    def __post_init__(self) -> None:
        if not all(0.0 <= value <= 1.0 for value in (self.foreground, self.seed_distance, self.seed_boundary)):
            raise CellmlError(
                f"The thresholds of an organelle watershed lie in [0, 1], got foreground {self.foreground}, seed_distance "
                f"{self.seed_distance} and seed_boundary {self.seed_boundary}."
            )

    def __call__(
        self, maps: NDArray[Any], offsets: Sequence[Sequence[int]] = (), mask: NDArray[np.bool_] | None = None
    ) -> NDArray[np.uint32]:
        """Objects (Z, Y, X), 0 in the background and outside `mask`, from maps (3, Z, Y, X) in [0, 1]: foreground, boundary, distance.

        Raises CellmlError for anything else, such as affinities.
        """
        from scipy.ndimage import label
        from skimage.segmentation import watershed

        if maps.ndim != 4 or len(maps) != 3 or len(offsets):
            raise CellmlError(
                f"An organelle watershed reads three maps (3, Z, Y, X), foreground, boundary and distance, not {maps.shape} with "
                f"{len(offsets)} offsets; train with task=organelles, or choose another decoder."
            )
        inside = maps[0] >= self.foreground
        if mask is not None:
            inside &= mask
        deep = inside & (maps[2] >= self.seed_distance) & (maps[1] < self.seed_boundary)
        seeds = without_small(label(deep)[0], self.min_seed)
        pieces, _ = label(inside)
        alone = np.ones(int(pieces.max(initial=0)) + 1, bool)
        alone[pieces[seeds > 0]] = alone[0] = False
        seeds = np.where(alone[pieces], pieces + seeds.max(initial=0), seeds)
        objects = watershed(-maps[2], seeds, mask=inside)
        return without_small(objects, self.min_size).astype(np.uint32)
