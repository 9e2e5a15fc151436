"""Cut one object out of a large label volume without losing its place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Labels, Triple

# Names of the six faces of a volume, as (axis, side) with axes (z, y, x); side 0 is the low end.
FACE_NAMES = {(0, 0): "cut_z0", (0, 1): "cut_z1", (1, 0): "cut_y0", (1, 1): "cut_y1", (2, 0): "cut_x0", (2, 1): "cut_x1"}


@dataclass(frozen=True, eq=False)
class ObjectCrop:
    """An object cut out of a label volume.

    labels: the crop, in the frame of the whole volume; border: names (`cut_z0`, …) of those faces of the crop that are faces of the
    whole volume. With a pad of at least one voxel an object touches a face of its crop only where it touches that face of the whole.
    """

    labels: Labels
    border: frozenset[str]


def require_label(labels: Labels, label: int) -> None:
    """Raise CellmlError, listing the labels present, if a label has no voxel (or is the background)."""
    if label > 0 and (labels.data == label).any():
        return
    raise CellmlError(f"{labels.name!r} has no voxel with label {label}; it has {describe_labels(present_labels(labels))}.")


def present_labels(labels: Labels) -> NDArray[np.integer[Any]]:
    """Numbers of the labels that have a voxel, ascending, without the background, in the type of the labels (unsigned ones may be huge)."""
    numbers = np.unique(labels.data)
    return np.asarray(numbers[numbers > 0])


def describe_labels(numbers: NDArray[np.integer[Any]], *, most: int = 12) -> str:
    """The numbers as a short list for a message."""
    if len(numbers) == 0:
        return "background only"
    shown = ", ".join(str(int(n)) for n in numbers[:most])
    return f"labels {shown}" + (f" and {len(numbers) - most} more" if len(numbers) > most else "")


def crop_object(labels: Labels, label: int, *, pad: int = 2) -> ObjectCrop:
    """Cut out the bounding box of a label, grown by `pad` voxels where the volume allows; other labels in the box are kept.

    labels: (Z, Y, X); pad: voxels, at least 1. The origin of the result is moved, so that physical coordinates are those of the whole.
    Raises CellmlError if the label is absent, listing those present.
    """
    if pad < 1:
        raise CellmlError(f"crop_object needs pad ≥ 1 voxel to tell the border of the volume from that of the crop, got {pad}.")
    require_label(labels, label)
    low, high = bounding_box(labels.data == label)
    low = np.maximum(low - pad, 0)
    high = np.minimum(high + pad, labels.shape)
    data = labels.data[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    border = frozenset(
        name for (axis, side), name in FACE_NAMES.items() if (low[axis] == 0 if side == 0 else high[axis] == labels.shape[axis])
    )
    return ObjectCrop(replace(labels, data=data, origin=moved_origin(labels, low)), border)


def bounding_box(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First voxel and one past the last along each axis, (3,) and (3,); the mask must not be empty."""
    low, high = [], []
    for axis in range(3):
        present = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        low.append(present[0])
        high.append(present[-1] + 1)
    return np.array(low, np.int64), np.array(high, np.int64)


def moved_origin(labels: Labels, first: NDArray[np.int64]) -> Triple:
    """Physical centre (z, y, x) in nm of a voxel given by its index (3,)."""
    z, y, x = (float(labels.origin[axis] + first[axis] * labels.spacing[axis]) for axis in range(3))
    return (z, y, x)
