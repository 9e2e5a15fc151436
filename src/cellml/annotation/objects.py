"""From a mask to objects, and the choice among them by size."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cellml.annotation.recipe import Stage, Step
from cellml.errors import CellmlError


@dataclass(frozen=True)
class Components(Step):
    """Objects are what is connected by faces."""

    def __call__(self, stage: Stage) -> Stage:
        """Label the mask."""
        from scipy.ndimage import label

        return replace(stage, labels=label(stage.require_mask("Components"))[0].astype(np.int32))


@dataclass(frozen=True)
class SplitByDistance(Step):
    """Objects that touch are parted at their necks: watershed of the distance to the outside (Vincent & Soille 1991).

    Each object begins at a core, the voxel that lies deepest within a box of ± reach_nm along each axis. A larger reach parts less.
    """

    reach_nm: float = 150.0

    def __post_init__(self) -> None:
        if not self.reach_nm > 0:
            raise CellmlError(f"reach_nm={self.reach_nm}: give a length above 0.")

    def __call__(self, stage: Stage) -> Stage:
        """Label the mask, parted."""
        from scipy.ndimage import distance_transform_edt, label, maximum_filter
        from skimage.segmentation import watershed

        mask = stage.require_mask("Splitting")
        if not mask.any():
            return replace(stage, labels=np.zeros(mask.shape, np.int32))
        distance = distance_transform_edt(mask, sampling=stage.spacing)
        box = [2 * max(1, round(self.reach_nm / s)) + 1 for s in stage.spacing]
        cores = mask & (distance == maximum_filter(distance, size=box))
        # An object in the shadow of a deeper one within reach has no core of its own: it is one object.
        components, count = label(mask)
        without = np.setdiff1d(np.arange(1, count + 1), components[cores])
        seeds, _ = label(cores | np.isin(components, without), structure=np.ones((3, 3, 3)))
        return replace(stage, labels=watershed(-distance, seeds, mask=mask).astype(np.int32))


@dataclass(frozen=True)
class SizeFilter(Step):
    """Objects within a range of sizes are kept.

    min_um3, max_um3: volume in µm³, None is open; min_sections: sections that an object must reach through.
    """

    min_um3: float | None = None
    max_um3: float | None = None
    min_sections: int = 1

    def __call__(self, stage: Stage) -> Stage:
        """Remove the others from the objects and the mask. Raises CellmlError where nothing remains."""
        labels = stage.require_labels("A size filter")
        volumes = np.bincount(labels.ravel()) * float(np.prod(stage.spacing)) * 1e-9
        keep = (volumes > 0) & (_sections(labels, len(volumes)) >= self.min_sections)
        keep &= volumes >= self.min_um3 if self.min_um3 is not None else True
        keep &= volumes <= self.max_um3 if self.max_um3 is not None else True
        keep[0] = False
        if not keep.any() and len(volumes) > 1:
            largest = volumes[1:].max()
            raise CellmlError(f"No object of {len(volumes) - 1} is of the size asked for; the largest has {largest:.3g} µm³.")
        kept = np.where(keep[labels], labels, 0).astype(np.int32)
        return replace(stage, labels=kept, mask=kept > 0)


def _sections(labels: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """In how many sections each label occurs."""
    found = np.zeros(count, np.int64)
    for section in labels:
        found[np.unique(section)] += 1
    return found
