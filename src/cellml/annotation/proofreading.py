"""Corrections of objects: pure functions from labels to the voxels that change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Triple

Voxels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Change:
    """New labels of some voxels. flat: (n,) flat indices into the volume; values: (n,) their new labels."""

    flat: Voxels
    values: NDArray[np.int64]


def split_object(labels: NDArray[Any], label: int, seeds: Sequence[Voxels], spacing: Triple, first_new: int) -> Change:
    """Part an object by seeds: watershed, inside the object, of its distance to the outside, so that it parts at necks between seeds.

    labels: (Z, Y, X); seeds: at least two sets of voxels (n, 3), z, y, x; spacing: nm; first_new: first unused label. The part that grows
    from the first seed keeps its label, the others get new ones in order. Raises CellmlError for an unknown label, fewer than two
    seeds, seeds outside the object, and seeds that share a voxel.
    """
    from scipy.ndimage import distance_transform_edt
    from skimage.segmentation import watershed

    inside, start = _box_of(labels, label)
    if len(seeds) < 2:
        raise CellmlError(f"Splitting object {label} needs at least two seeds, got {len(seeds)}.")
    markers = np.zeros(inside.shape, np.int32)
    for number, seed in enumerate(seeds, 1):
        local = np.asarray(seed, np.int64).reshape(-1, 3) - start
        within = ((local >= 0) & (local < inside.shape)).all(axis=1)
        local = local[within]
        local = local[inside[tuple(local.T)]]
        if not len(local):
            raise CellmlError(f"Seed {number} has no voxel in object {label}; put each seed inside the object.")
        if (markers[tuple(local.T)] > 0).any():
            raise CellmlError(f"Seed {number} shares a voxel with an earlier one; seeds must lie apart.")
        markers[tuple(local.T)] = number
    distance = distance_transform_edt(np.pad(inside, 1), sampling=spacing)[1:-1, 1:-1, 1:-1]
    parts = watershed(-distance, markers, mask=inside)
    moved = np.argwhere(parts > 1)
    values = parts[tuple(moved.T)].astype(np.int64) - 2 + first_new
    return Change(np.ravel_multi_index(tuple((moved + start).T), labels.shape), values)


def merge_objects(labels: NDArray[Any], chosen: Sequence[int]) -> Change:
    """Give all chosen objects the label of the first. Raises CellmlError for fewer than two, and for labels that are not there."""
    distinct = list(dict.fromkeys(int(label) for label in chosen))
    if len(distinct) < 2:
        raise CellmlError(f"Merging needs at least two different objects, got {list(chosen)}.")
    found = [_box_of(labels, label) for label in distinct]
    moved = np.concatenate([np.argwhere(inside) + start for inside, start in found[1:]])
    return Change(np.ravel_multi_index(tuple(moved.T), labels.shape), np.full(len(moved), distinct[0], np.int64))


def relabel_object(labels: NDArray[Any], label: int, new: int) -> Change:
    """Give an object another label; 0 removes it. Raises CellmlError for a label that is not there, and a negative new one."""
    if new < 0:
        raise CellmlError(f"The new label is {new}; labels are 0 (background) or above.")
    inside, start = _box_of(labels, label)
    moved = np.argwhere(inside) + start
    return Change(np.ravel_multi_index(tuple(moved.T), labels.shape), np.full(len(moved), new, np.int64))


def adopt_objects(labels: NDArray[Any], region: tuple[slice, slice, slice], mask: NDArray[np.bool_], first_new: int, least: int) -> Change:
    """New objects from a mask of the region (connected by faces, at least `least` voxels), where no object is yet.

    Raises CellmlError where there is none.
    """
    from scipy.ndimage import label

    parts, count = label(mask & (labels[region] == 0))
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    keep = sizes >= max(least, 1)
    keep[0] = False
    if not keep.any():
        raise CellmlError(f"The prediction has no new object of at least {least} voxels here; scribble more, or lower the size.")
    number = np.zeros(count + 1, np.int64)
    number[keep] = first_new + np.arange(keep.sum())
    moved = np.argwhere(keep[parts])
    flat = np.ravel_multi_index(tuple((moved + [part.start for part in region]).T), labels.shape)
    return Change(flat, number[parts[tuple(moved.T)]])


def _box_of(labels: NDArray[Any], label: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Where an object is, within its bounding box, and the box's first voxel."""
    mask = labels == label
    sides = [np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    if label <= 0 or not all(side.size for side in sides):
        raise CellmlError(f"There is no object {label}.")
    box = tuple(slice(side[0], side[-1] + 1) for side in sides)
    return mask[box], np.array([part.start for part in box], np.int64)
