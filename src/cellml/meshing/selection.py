"""Which labels are meshed, and whether they can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cellml.errors import CellmlError
from cellml.meshing.certificate import SourceRegion
from cellml.meshing.crop import bounding_box, describe_labels, moved_origin, present_labels, require_label
from cellml.meshing.debris import Cleaned, remove_debris
from cellml.meshing.errors import MeshingError
from cellml.meshing.gate import Gate
from cellml.meshing.topology import voxel_euler_number
from cellml.types import Labels

MOST_LABELS = 256
_STAIRCASE = 1.5  # area of voxel faces over that of the smooth surface that they follow, on average over its directions
COMPONENTS = ("all", "largest")


@dataclass(frozen=True, eq=False)
class Selection:
    """The labels to be meshed.

    labels: (Z, Y, X), cropped, holding the chosen labels only; given: the same voxels before debris was removed; numbers: the labels, in
    the order of the cuts; sources: what each is in the given voxels; discarded_share: share of the voxels left out as smaller components;
    repairs: what was changed, in words.
    """

    labels: Labels
    given: Labels
    numbers: list[int]
    sources: Mapping[int, SourceRegion]
    discarded_share: float
    repairs: tuple[str, ...]


def select(labels: Labels, label: int | None, components: str = "all", gate: Gate | None = None) -> Selection:
    """Crop to one label, or to all labels (None), clean up debris, and refuse what has no shape.

    components: "all", or "largest" to keep the largest 6-connected component of each label only. The crop keeps a voxel of surroundings
    wherever the volume has one, so that a label touches the border of the crop only where it touches that of the volume. Raises
    MeshingError for empty labels, more than 256 of them, where no label has a fragment of 27 voxels, and where so much of one lies in
    smaller fragments that its volume without them cannot pass the gate; CellmlError, listing the labels present, for one that is absent.
    """
    if components not in COMPONENTS:
        raise CellmlError(f"components={components} is not known; use {' or '.join(COMPONENTS)}.")
    chosen = _chosen(labels, label)
    mask = labels.data > 0 if label is None else labels.data == label
    first, last = bounding_box(mask)
    first, last = np.maximum(first - 1, 0), np.minimum(last + 1, labels.shape)
    box = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
    data, names, said = _numbered(np.where(mask[box], labels.data[box], 0), chosen, labels)
    share = 0.0
    if components == "largest":
        data, share, dropped = _largest_components(data, sorted(names))
        said += dropped
    labels = replace(labels, data=data, names=names, origin=moved_origin(labels, first))
    cleaned = remove_debris(data, labels.spacing)
    numbers = dict(zip(sorted(names), chosen, strict=True))  # as given, where labels had to be renumbered
    _require_shape(labels, cleaned, numbers)
    _require_few_crumbs(labels, cleaned, numbers, gate or Gate())
    kept = [int(n) for n in np.unique(cleaned.data) if n > 0]
    sources = {n: _source(data, n, labels) for n in kept}
    # Smallest first: organelles are cut out of what surrounds them, which is left as the rest.
    order = sorted(kept, key=lambda n: (sources[n].voxels, n))
    return Selection(replace(labels, data=cleaned.data), labels, order, sources, share, (*said, *cleaned.said))


def _chosen(labels: Labels, label: int | None) -> list[int]:
    if label is not None:
        if not (labels.data > 0).any():
            raise _empty(labels)
        require_label(labels, label)
        return [label]
    numbers = present_labels(labels)
    if len(numbers) == 0:
        raise _empty(labels)
    if len(numbers) > MOST_LABELS:
        raise MeshingError(
            f"{labels.name!r} holds {len(numbers)} labels ({describe_labels(numbers)}); at most {MOST_LABELS} are meshed together. "
            "Pick one with label=NUMBER, or keep the ones you need."
        )
    return [int(number) for number in numbers]


def _empty(labels: Labels) -> MeshingError:
    return MeshingError(f"{labels.name!r} holds background only (all {labels.data.size} voxels are 0); there is nothing to mesh.")


def _numbered(data: NDArray[np.int64], chosen: Sequence[int], labels: Labels) -> tuple[NDArray[np.int64], dict[int, str], list[str]]:
    """Labels as region numbers that a mesh file can hold, with their names."""
    if chosen[-1] < 2**31:
        return data.astype(np.int64), {n: labels.names.get(n, f"label_{n}") for n in chosen}, []
    numbers = np.searchsorted(np.array([0, *chosen], np.uint64), data.astype(np.uint64)).astype(np.int64)
    names = {i: labels.names.get(n, f"label_{n}") for i, n in enumerate(chosen, start=1)}
    said = f"labels renumbered 1 … {len(chosen)}, because {chosen[-1]} exceeds the largest region number (names keep them)"
    return numbers, names, [said]


def _largest_components(data: NDArray[np.int64], numbers: Sequence[int]) -> tuple[NDArray[np.int64], float, list[str]]:
    kept, said = np.zeros_like(data), list[str]()
    for number in numbers:
        member, count = ndimage.label(data == number)
        sizes = np.bincount(member.ravel())[1:]
        kept[member == int(sizes.argmax()) + 1] = number
        if count > 1:
            dropped = int(sizes.sum() - sizes.max())
            said.append(
                f"kept the largest of {count} 6-connected components of label {number}; {dropped} voxels "
                f"({100 * dropped / sizes.sum():.2f} %) discarded"
            )
    before = int((data > 0).sum())
    return kept, (before - int((kept > 0).sum())) / before, said


def _source(data: NDArray[np.int64], number: int, labels: Labels) -> SourceRegion:
    first, last = bounding_box(data == number)
    mask = data[tuple(slice(a, b) for a, b in zip(first, last, strict=True))] == number
    voxels = int(mask.sum())
    return SourceRegion(voxels, voxels * float(np.prod(labels.spacing)), int(ndimage.label(mask)[1]), voxel_euler_number(mask))


def _require_shape(labels: Labels, cleaned: Cleaned, numbers: Mapping[int, int]) -> None:
    if (largest := max(cleaned.largest.values())) >= cleaned.fewest:
        return
    number = max(cleaned.largest, key=lambda n: cleaned.largest[n])
    voxels = int((labels.data == number).sum())
    size = f"{voxels} voxel" + ("s" if voxels != 1 else "")
    fragments = f" in fragments of at most {largest}" if largest < voxels else ""
    others = f", and it is the largest of {len(cleaned.largest)} labels" if len(cleaned.largest) > 1 else ""
    raise MeshingError(
        f"Label {numbers[number]} of {labels.name!r} has {size}{fragments}{others}; at least {cleaned.fewest} connected through faces are "
        "needed for a shape. Remove it, give the volume at a finer spacing, or join what touches in edges with thicken=true."
    )


def _require_few_crumbs(labels: Labels, cleaned: Cleaned, numbers: Mapping[int, int], gate: Gate) -> None:
    for number, crumbs in cleaned.crumbs.items():
        voxels = int((labels.data == number).sum())
        if voxels < cleaned.fewest or crumbs <= min(gate.volume_error, gate.thin_volume_error) * voxels:
            continue
        most = gate.volume_limit(_thickness(cleaned.data == number))
        if crumbs > most * voxels:
            raise MeshingError(
                f"Label {numbers[number]} of {labels.name!r} has {crumbs} of its {voxels} voxels ({100 * crumbs / voxels:.1f} %) in "
                f"fragments of fewer than {cleaned.fewest} voxels, which have no shape; without them its volume would miss its gate "
                f"(at most {100 * most:g} %). Clean the labels (a median filter often does), join sheets of one voxel with thicken=true, "
                'or mesh components="largest".'
            )


def _thickness(mask: NDArray[np.bool_]) -> float:
    """About 2 V / A in voxels, as the gate measures it."""
    faces = sum(int(np.diff(np.pad(mask, 1).astype(np.int8), axis=axis).astype(bool).sum()) for axis in range(3))
    return 2.0 * int(mask.sum()) / max(faces / _STAIRCASE, 1.0)
