"""Step 02: what the committee says of the image, and the objects that are followed from here on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.io.atomic import write_json
from cellml.pipeline.image import IMAGE, read_image
from cellml.pipeline.objects import Followed, chosen_objects, read_objects_table
from cellml.pipeline.recipe import ObjectStep, SegmentationStep
from cellml.types import Labels

LABELS, OBJECTS = "labels.tif", "objects.json"
_TOUCHING = np.ones((3, 3, 3), bool)
USUAL_LENGTH = 5.0  # voxels, of doubts where one network in one orientation cannot tell


def make_segmentation(
    folder: Path,
    image: Path,
    checkpoints: Sequence[str],
    step: SegmentationStep,
    objects: ObjectStep,
    *,
    correlation_nm: float | None,
    seed: int,
    trust: Sequence[str],
) -> Mapping[str, Any]:
    """Write `labels.tif`, `labels_probabilities.tif`, the members' variance, entropy and mutual information, and `objects.json`.

    correlation_nm: over which the network errs together, where it is known. Returns the number of objects and, from the members'
    differences, that length where it is not, and how decided each member is. Raises CellmlError as `cellml infer` does, and where there
    is nothing to follow.
    """
    from cellml.infer.command import infer_file

    # A point outside is told now: the segmentation may take hours.
    named = None if objects.table is None else read_objects_table(objects.table, read_image(image))
    several = len(checkpoints) * step.tta > 1
    told = infer_file(
        list(checkpoints),
        str(image / IMAGE),
        str(folder / LABELS),
        probabilities=True,
        uncertainty=several,
        tta=step.tta,
        temperature=step.temperature,
        samples=1 if several else 0,
        correlation_nm=correlation_nm,
        seed=seed,
        tile=step.tile,
        device=step.device,
        trust=trust,
        information=False,
    )
    labels = read_labels_of(folder)
    followed = chosen_objects(labels, objects.choice) if named is None else named
    write_json(folder / OBJECTS, [one.as_dict() for one in followed])
    spacing = float(np.cbrt(np.prod(read_image(image).spacing)))
    length = float(correlation_nm or told.get("correlation_nm") or USUAL_LENGTH * spacing)
    return {
        "objects": len(followed),
        "labels": len(np.unique(labels.data[labels.data > 0])),
        "members": int(told["members"]),
        "correlation_nm": round(length, 3),
        "decisiveness": round(float(told.get("decisiveness", 0.5)), 4),
    }


def read_labels_of(folder: Path, name: str = LABELS) -> Labels:
    """Objects of a step's label volume; the pieces of the foreground where it holds classes."""
    from dataclasses import replace

    from cellml.io import read_labels

    labels = read_labels(folder / name)
    return labels if labels.kind == "instance" else replace(labels, data=pieces(labels.data), kind="instance", names={})


def pieces(classes: NDArray[Any]) -> NDArray[np.int32]:
    """Objects (Z, Y, X) of a volume of classes: 26-connected pieces of one class above 0, numbered 1, 2, …"""
    from scipy import ndimage

    found, last = np.zeros(classes.shape, np.int32), 0
    for number in np.unique(classes[classes > 0]).tolist():
        member, count = ndimage.label(classes == number, structure=_TOUCHING)
        found[member > 0] = member[member > 0] + last
        last += count
    return found


def read_followed(folder: Path) -> list[Followed]:
    """The objects that step 02 left."""
    return read_objects_table(folder / OBJECTS)
