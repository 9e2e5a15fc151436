"""Thicken what is thinner than two voxels, where that is asked for: sheets of one voxel that meet in edges and corners have no shape.

A voxel is thin if no block of 2 × 2 × 2 voxels of its label holds it. Every thin voxel becomes such a block, so that a sheet becomes two
voxels thick and what touches in an edge or a corner is joined through faces.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cellml.meshing.crop import present_labels
from cellml.types import Labels

_BLOCK = np.ones((2, 2, 2), bool)


def thickened(labels: Labels, label: int | None = None) -> tuple[Labels, tuple[str, ...]]:
    """Labels, or one of them, with their thin parts made two voxels thick, and what was done in words.

    Voxels are taken from the background and from labels that are thick there, in the order of the labels' numbers. Beyond the border of
    the volume a label goes on, so that a cut is not thin.
    """
    data = np.asarray(labels.data)
    numbers = [int(n) for n in present_labels(labels)] if label is None else [label]
    boxes = {number: _box(data == number) for number in numbers if (data == number).any()}
    thin = np.zeros(data.shape, bool)
    for number, box in boxes.items():
        thin[box] |= thin_voxels(data[box] == number)
    new, said = data.copy(), list[str]()
    for number, box in boxes.items():
        mask = data[box] == number
        grown = ndimage.binary_dilation(thin[box] & mask, _BLOCK) & ~thin[box] & (new[box] == data[box]) & ~mask
        if grown.any():
            before, taken = int(mask.sum()), int((data[box][grown] > 0).sum())
            new[box][grown] = number
            of_others = f", {taken} of them from other labels" if taken else ""
            said.append(
                f"label {number} made two voxels thick where it was thinner: {int(grown.sum())} voxels added to {before}{of_others}; "
                "volumes and distances are compared with the thickened labels"
            )
    return replace(labels, data=new), tuple(said)


def thin_voxels(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Voxels of a mask (Z, Y, X) that lie in no 2 × 2 × 2 block of it; beyond its border the mask goes on."""
    padded = np.pad(mask, 1, mode="edge")
    return np.asarray(mask & ~ndimage.binary_opening(padded, _BLOCK)[1:-1, 1:-1, 1:-1])


def _box(mask: NDArray[np.bool_]) -> tuple[slice, slice, slice]:
    """The bounding box of a mask with a voxel around it, within the volume."""
    found = ndimage.find_objects(mask.astype(np.uint8))[0]
    z, y, x = (slice(max(part.start - 1, 0), min(part.stop + 1, size)) for part, size in zip(found, mask.shape, strict=True))
    return z, y, x
