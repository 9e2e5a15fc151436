"""Did the model that is scored see what it is scored on?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cellml.errors import CellmlError

if TYPE_CHECKING:
    from cellml.metrics.streams import Comparison

Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class SplitCheck:
    """Where the scored region lies in relation to what a model was trained and validated on.

    relation: "training" (shares labelled voxels with a training block), "validation" (with a block that parameters may have been chosen
    on), "close" (nearer to a training block than `guard` voxels), "apart", or "other file" (no block is of the scored volume);
    training_voxels, validation_voxels: scored voxels whose labels such blocks gave; distance: voxels to the nearest of them in a training
    block, along the axis that parts them, None without one; recognised_by: how a block's file was found to be the scored one.
    """

    checkpoint: str
    relation: str
    training_voxels: int
    validation_voxels: int
    distance: int | None
    guard: int
    scored_voxels: int
    recognised_by: str | None


@dataclass(frozen=True)
class _UsedBlock:
    role: str  # "train" or "val"
    box: Box
    recognised_by: str


def check_split(checkpoint: str | Path, comparison: Comparison) -> SplitCheck:
    """Compare the scored region with the blocks that a checkpoint's configuration names (`data.train`, `data.val`).

    A block belongs to the scored volume if its file is the same, or holds the same labels in the first, middle and last section, or, where
    it is not here to be read, has the same name. A part of a volume that was saved as a file of its own is not recognised. Raises FileError
    for an unreadable checkpoint and CellmlError for one that does not say what it was trained on.
    """
    from cellml.checkpoint import read

    data = _data_config(read(checkpoint)["cellml"]["config"], checkpoint)
    used = list(_used_blocks(data, comparison))
    part = comparison.part
    shared = {role: _shared([one.box for one in used if one.role == role], part) for role in ("train", "val")}
    distances = [_distance(one.box, part) for one in used if one.role == "train"]
    guard, distance = int(data.get("guard") or 0), min(distances, default=None)
    return SplitCheck(
        checkpoint=str(checkpoint),
        relation=_relation(shared["train"], shared["val"], distance, guard, bool(used)),
        training_voxels=shared["train"],
        validation_voxels=shared["val"],
        distance=distance,
        guard=guard,
        scored_voxels=prod(comparison.shape),
        recognised_by=used[0].recognised_by if used else None,
    )


def require_held_out(check: SplitCheck, *, allow_overlap: bool = False) -> dict[str, Any]:
    """The check as plain containers, with a `warning` of what flatters, None where nothing does.

       Raises CellmlError if training voxels are scored and that was not allowed.
    Validation blocks are scored with a warning: thresholds and decoders
       were chosen there.
    """
    share = f"{check.training_voxels:,} of the {check.scored_voxels:,} scored voxels"
    if check.relation == "training" and not allow_overlap:
        raise CellmlError(
            f"{check.checkpoint} was trained on {share}: scores on training data say nothing about other tissue. Score another region "
            "(region=[[z0,z1],[y0,y1],[x0,x1]]), or pass allow_overlap=true to see training scores that say so."
        )
    warning = {
        "training": f"TRAINING SCORES: {check.checkpoint} was trained on {share}.",
        "validation": f"{check.checkpoint} was validated on {check.validation_voxels:,} of the {check.scored_voxels:,} scored voxels; "
        "what was chosen there (threshold, decoder, best epoch) flatters its score.",
        "close": f"The scored region is {check.distance} voxels from a training block of {check.checkpoint}, which asked for a guard "
        f"of {check.guard}; neighbouring voxels are correlated, so that scores flatter.",
    }.get(check.relation)
    return {**asdict(check), "warning": warning}


def _data_config(text: str, checkpoint: str | Path) -> Mapping[str, Any]:
    from omegaconf import OmegaConf

    config = OmegaConf.to_container(OmegaConf.create(text), resolve=True)
    data = config.get("data") if isinstance(config, dict) else None
    if not isinstance(data, dict) or not data.get("train"):
        raise CellmlError(
            f"{checkpoint} does not say what it was trained on (its configuration has no data.train), so that nothing can be checked."
        )
    return data


def _used_blocks(data: Mapping[str, Any], comparison: Comparison) -> Iterator[_UsedBlock]:
    for role in ("train", "val"):
        for block in data.get(role) or ():
            image, labels = block.get("image") or data.get("path"), block.get("labels") or data.get("labels")
            found = next((by for one in (image, labels) if one is not None for by in [_recognised(str(one), comparison)] if by), None)
            if found is not None:
                with suppress(CellmlError):  # a region outside the scored volume: another volume, of the same name
                    boxes = _labelled_boxes(block, data if role == "train" else {}, comparison.sources[1].shape)
                    yield from (_UsedBlock(role, box, found) for box in boxes)


def _labelled_boxes(block: Mapping[str, Any], common: Mapping[str, Any], shape: tuple[int, int, int]) -> list[Box]:
    """The parts of a block whose labels counted: all of it, or its intersections with the sections and boxes listed as labelled."""
    from cellml.data.labelled import box_of

    whole = box_of(block.get("region") or {}, shape, "block")
    sections, boxes = (block.get(key, common.get(key)) for key in ("labelled_sections", "labelled"))
    if sections is None and boxes is None:
        return [whole]
    parts = [box_of(one, shape, "labelled") for one in [*({"z": [z, z + 1]} for z in sections or ()), *(boxes or ())]]
    return [_meet(whole, part) for part in parts if _volume(_meet(whole, part))]


def _recognised(reference: str, comparison: Comparison) -> str | None:
    """How the file of a block is known to be the truth's: "file", "name" or "content"; None if it is another."""
    from cellml.data.catalogue import CATALOGUE
    from cellml.io.location import locate

    name = reference.partition(":")[0]
    known = name in CATALOGUE and not Path(reference).exists()
    own, scored = (Path(CATALOGUE[name].file) if known else locate(reference).path), _scored_path(comparison)
    if own.exists():
        return "file" if own.resolve() == scored.resolve() else "content" if _same_labels(reference, comparison) else None
    return "name" if own.name == scored.name else None


def _scored_path(comparison: Comparison) -> Path:
    from cellml.data.catalogue import CATALOGUE
    from cellml.io.location import locate

    spec = comparison.specs[1]
    name = spec.partition(":")[0]
    return Path(CATALOGUE[name].file) if name in CATALOGUE and not Path(spec).exists() else locate(spec).path


def _same_labels(reference: str, comparison: Comparison) -> bool:
    from cellml.io import open_image

    truth = comparison.sources[1]
    try:
        with open_image(reference, spacing_nm=list(truth.spacing), usual="labels") as other:
            if other.full_shape != truth.full_shape:
                return False
            y, x = (slice(0, size) for size in truth.shape[1:])
            sections = {0, truth.shape[0] // 2, truth.shape[0] - 1}
            return all(np.array_equal(other.read((slice(z, z + 1), y, x)), truth.read((slice(z, z + 1), y, x))) for z in sections)
    except CellmlError:
        return False  # an array that cannot be read as one label volume is not the truth


def _meet(one: Box, other: Box) -> Box:
    """The box that two boxes share, empty along an axis that parts them."""
    z, y, x = (slice(max(a.start, b.start), max(a.start, b.start, min(a.stop, b.stop))) for a, b in zip(one, other, strict=True))
    return (z, y, x)


def _volume(box: Box) -> int:
    return prod(axis.stop - axis.start for axis in box)


def _shared(boxes: Sequence[Box], region: Box) -> int:
    """Voxels of a region that lie in any of the boxes, counted on the coarse grid that the boxes' faces make."""
    meets = [meet for meet in (_meet(box, region) for box in boxes) if _volume(meet)]
    cuts = [np.unique([end for meet in meets for end in (meet[axis].start, meet[axis].stop)]) for axis in range(3)]
    filled = np.zeros([max(len(one) - 1, 0) for one in cuts], bool)
    for meet in meets:
        z, y, x = (slice(*np.searchsorted(one, (part.start, part.stop))) for one, part in zip(cuts, meet, strict=True))
        filled[z, y, x] = True
    return int(np.einsum("zyx,z,y,x->", filled, *(np.diff(one).astype(np.int64) for one in cuts))) if meets else 0


def _distance(one: Box, other: Box) -> int:
    """Voxels between two boxes along the axis that parts them most; 0 where they touch or overlap."""
    return max(0, *(max(a.start - b.stop, b.start - a.stop) for a, b in zip(one, other, strict=True)))


def _relation(trained: int, validated: int, distance: int | None, guard: int, known: bool) -> str:
    if not known:
        return "other file"
    if trained:
        return "training"
    if validated:
        return "validation"
    return "close" if distance is not None and distance < guard else "apart"
