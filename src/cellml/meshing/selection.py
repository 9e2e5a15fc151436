"""Which labels are meshed, and whether they can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cellml.meshing.certificate import SourceRegion
from cellml.meshing.crop import bounding_box, describe_labels, moved_origin, present_labels, require_label
from cellml.meshing.errors import MeshingError
from cellml.meshing.topology import voxel_euler_number
from cellml.types import Labels

MOST_LABELS = 8
FEWEST_VOXELS = 27  # 3 × 3 × 3: nothing smaller has a shape after smoothing


@dataclass(frozen=True, eq=False)
class Selection:
    """The labels to be meshed.

    labels: (Z, Y, X), cropped, holding the chosen labels only; numbers: these, in the order of the cuts; sources: what each is before
    meshing; discarded_share: share of the voxels left out as smaller components; repairs: what was changed, in words.
    """

    labels: Labels
    numbers: list[int]
    sources: Mapping[int, SourceRegion]
    discarded_share: float
    repairs: tuple[str, ...]


def select(labels: Labels, label: int | None) -> Selection:
    """Crop to one label, and its largest 6-connected component, or to all labels (None), and refuse what has no shape.

    The crop keeps a voxel of surroundings wherever the volume has one, so that a label touches the border of the crop only where it
    touches that of the volume. Raises MeshingError for empty labels, more than 8 of them, and fewer than 27 voxels; CellmlError, listing
    the labels present, for one that is absent.
    """
    chosen = _chosen(labels, label)
    mask = np.isin(labels.data, chosen)
    first, last = bounding_box(mask)
    first, last = np.maximum(first - 1, 0), np.minimum(last + 1, labels.shape)
    box = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
    data = np.where(mask[box], labels.data[box], 0).astype(np.int64)
    share, repairs = 0.0, list[str]()
    if label is not None:
        data, share, repairs = _largest_component(data)
    sources = {number: _source(data == number, labels) for number in chosen}
    _require_shape(labels, sources)
    # Smallest first: organelles are cut out of what surrounds them, which is left as the rest.
    order = sorted(chosen, key=lambda number: (sources[number].voxels, number))
    return Selection(replace(labels, data=data, origin=moved_origin(labels, first)), order, sources, share, tuple(repairs))


def _chosen(labels: Labels, label: int | None) -> list[int]:
    numbers = present_labels(labels)
    if len(numbers) == 0:
        raise MeshingError(f"{labels.name!r} holds background only (all {labels.data.size} voxels are 0); there is nothing to mesh.")
    if label is not None:
        require_label(labels, label)
        return [label]
    if len(numbers) > MOST_LABELS:
        raise MeshingError(
            f"{labels.name!r} holds {len(numbers)} labels ({describe_labels(numbers)}); at most {MOST_LABELS} are meshed together. "
            "Pick one with label=NUMBER, or keep the ones you need."
        )
    return [int(number) for number in numbers]


def _largest_component(data: NDArray[np.int64]) -> tuple[NDArray[np.int64], float, list[str]]:
    member, count = ndimage.label(data > 0)
    if count == 1:
        return data, 0.0, []
    sizes = np.bincount(member.ravel())[1:]
    dropped = int(sizes.sum() - sizes.max())
    share = dropped / float(sizes.sum())
    said = f"kept the largest of {count} 6-connected components; {dropped} voxels ({100 * share:.2f} %) discarded"
    return np.where(member == int(sizes.argmax()) + 1, data, 0), share, [said]


def _source(mask: NDArray[np.bool_], labels: Labels) -> SourceRegion:
    voxels = int(mask.sum())
    return SourceRegion(voxels, voxels * float(np.prod(labels.spacing)), int(ndimage.label(mask)[1]), voxel_euler_number(mask))


def _require_shape(labels: Labels, sources: Mapping[int, SourceRegion]) -> None:
    for number, source in sources.items():
        if source.voxels < FEWEST_VOXELS:
            size = f"{source.voxels} voxel" + ("s" if source.voxels != 1 else "")
            raise MeshingError(
                f"Label {number} of {labels.name!r} has {size}; at least {FEWEST_VOXELS} are needed for a shape. Remove it, or give the "
                "volume at a finer spacing."
            )
