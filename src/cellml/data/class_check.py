"""Do the labels of the blocks mean the classes that a network is asked for?"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence

import numpy as np

from cellml.data.blocks import OpenBlock
from cellml.data.labelled import UNLABELLED, say_counts
from cellml.errors import CellmlError

log = logging.getLogger(__name__)

_UNLEARNED = "the network cannot learn it"
_UNJUDGED = "its scores are left out of the means val/dice and val/iou, which say nothing about it"


def check_classes(train: Sequence[OpenBlock], val: Sequence[OpenBlock], classes: Sequence[str]) -> None:
    """Raise CellmlError for labels that are no class number, with values and counts; warn of classes that have no voxel.

    classes: names, of which a label is the number. A class without a training voxel cannot be learned; one without a validation voxel
    cannot be judged, and is left out of the mean scores (or counts as 0 where it is predicted all the same).
    """
    for where, blocks, meaning in (("training", train, _UNLEARNED), ("validation", val, _UNJUDGED)):
        total: Counter[int] = Counter()
        for block in blocks:
            counts = count_labels(block)
            _require_known(counts, block, classes)
            total.update(counts)
        for number, name in enumerate(classes):
            if blocks and not total[number]:
                log.warning("Class %d (%s) has no voxel in the %s labels: %s.", number, name, where, meaning)


def count_labels(block: OpenBlock) -> Counter[int]:
    """Voxels of each label of a block; those that nobody labelled are left out."""
    counts: Counter[int] = Counter()
    for _, labels in block.slabs():
        values, numbers = np.unique(labels[labels != UNLABELLED], return_counts=True)
        counts.update({int(v): int(n) for v, n in zip(values, numbers, strict=True)})
    return counts


def _require_known(counts: Counter[int], block: OpenBlock, classes: Sequence[str]) -> None:
    unknown = {value: counts[value] for value in sorted(counts) if not 0 <= value < len(classes)}
    if unknown:
        named = ", ".join(f"{number} {name}" for number, name in enumerate(classes))
        raise CellmlError(
            f"The labels of {block.name} hold {say_counts(unknown)}, and the classes are {named}. Name the missing classes in "
            "task.target.classes, translate numbers by data.values={FILE_NUMBER: CLASS}, or say that a number means unlabelled by "
            "data.ignore=NUMBER."
        )
