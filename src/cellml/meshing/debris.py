"""Fragments of labels that are too small for a shape, and holes as small, given to what surrounds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cellml.types import Triple

_ACROSS = 3  # voxels: nothing smaller than 3 × 3 × 3 has a shape after smoothing
_LEAST = 9


@dataclass(frozen=True, eq=False)
class Cleaned:
    """Labels without debris (Z, Y, X), and what was done in words.

    largest: voxels of each label's largest 6-connected fragment before; crumbs: voxels of each label in fragments that were given away;
    fewest: voxels that a fragment needs to be kept.
    """

    data: NDArray[np.int64]
    said: tuple[str, ...]
    largest: dict[int, int]
    crumbs: dict[int, int]
    fewest: int


def fewest_voxels(shape: Sequence[int]) -> int:
    """Voxels that a fragment needs to have a shape: 3 × 3 × 3, or as many as go across where the volume is thinner, but at least 9."""
    return max(int(np.prod([min(_ACROSS, n) for n in shape])), _LEAST)


def remove_debris(data: NDArray[np.int64], spacing: Triple) -> Cleaned:
    """Give 6-connected fragments of fewer than 27 voxels, of labels and of background, to the label of the nearest other voxel.

    In a volume of one section, or two, 9 or 18 voxels are enough: there a hole of 26 is wide.

    Debris in the background vanishes, debris inside an object is filled with that object, and so are small holes. data: (Z, Y, X) with 0 as
    background; spacing: (z, y, x) in nm.
    """
    member, of_label = _fragments(data)
    sizes = np.bincount(member.ravel(), minlength=len(of_label))
    fewest = fewest_voxels(data.shape)
    small = sizes < fewest
    largest = {int(n): int(sizes[of_label == n].max()) for n in np.unique(of_label) if n > 0}
    crumbs = {n: int(sizes[small & (of_label == n)].sum()) for n in largest}
    if not small.any() or small.all():
        return Cleaned(data, (), largest, crumbs, fewest)
    index = ndimage.distance_transform_edt(small[member], sampling=spacing, return_distances=False, return_indices=True)
    said = [_sentence(int(n), sizes[small & (of_label == n)], fewest) for n in np.unique(of_label[small])]
    return Cleaned(data[tuple(index)], tuple(said), largest, crumbs, fewest)


def _fragments(data: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """6-connected fragments of equal labels, numbered from 0 (Z, Y, X), and the label of each."""
    from skimage.measure import label

    member = np.asarray(label(data, background=-1, connectivity=1), np.int64) - 1
    _, first = np.unique(member, return_index=True)
    return member, data.ravel()[first]


def _sentence(number: int, sizes: NDArray[np.int64], fewest: int) -> str:
    count = f"{len(sizes)} fragment" + ("s" if len(sizes) != 1 else "")
    voxels = f"{int(sizes.sum())} voxel" + ("s" if sizes.sum() != 1 else "")
    what = f"{count} of label {number}" if number else f"{len(sizes)} hole" + ("s" if len(sizes) != 1 else "")
    return f"{what} below {fewest} voxels ({voxels} in all) given to the surroundings"
