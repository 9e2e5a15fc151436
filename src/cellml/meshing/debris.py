"""Fragments of labels that are too small for a shape, and holes as small, given to what surrounds them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cellml.types import Triple

FEWEST_VOXELS = 27  # 3 × 3 × 3: nothing smaller has a shape after smoothing


@dataclass(frozen=True, eq=False)
class Cleaned:
    """Labels without debris (Z, Y, X), and what was done in words.

    largest: voxels of each label's largest 6-connected fragment before; crumbs: voxels of each label in fragments that were given away.
    """

    data: NDArray[np.int64]
    said: tuple[str, ...]
    largest: dict[int, int]
    crumbs: dict[int, int]


def remove_debris(data: NDArray[np.int64], spacing: Triple) -> Cleaned:
    """Give 6-connected fragments of fewer than 27 voxels, of labels and of background, to the label of the nearest other voxel.

    Debris in the background vanishes, debris inside an object is filled with that object, and so are small holes. data: (Z, Y, X) with 0 as
    background; spacing: (z, y, x) in nm.
    """
    member, of_label = _fragments(data)
    sizes = np.bincount(member.ravel(), minlength=len(of_label))
    small = sizes < FEWEST_VOXELS
    largest = {int(n): int(sizes[of_label == n].max()) for n in np.unique(of_label) if n > 0}
    crumbs = {n: int(sizes[small & (of_label == n)].sum()) for n in largest}
    if not small.any() or small.all():
        return Cleaned(data, (), largest, crumbs)
    index = ndimage.distance_transform_edt(small[member], sampling=spacing, return_distances=False, return_indices=True)
    said = [_sentence(int(n), sizes[small & (of_label == n)]) for n in np.unique(of_label[small])]
    return Cleaned(data[tuple(index)], tuple(said), largest, crumbs)


def _fragments(data: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """6-connected fragments of equal labels, numbered from 0 (Z, Y, X), and the label of each."""
    from skimage.measure import label

    member = np.asarray(label(data, background=-1, connectivity=1), np.int64) - 1
    _, first = np.unique(member, return_index=True)
    return member, data.ravel()[first]


def _sentence(number: int, sizes: NDArray[np.int64]) -> str:
    count = f"{len(sizes)} fragment" + ("s" if len(sizes) != 1 else "")
    voxels = f"{int(sizes.sum())} voxel" + ("s" if sizes.sum() != 1 else "")
    what = f"{count} of label {number}" if number else f"{len(sizes)} hole" + ("s" if len(sizes) != 1 else "")
    return f"{what} below {FEWEST_VOXELS} voxels ({voxels} in all) given to the surroundings"
