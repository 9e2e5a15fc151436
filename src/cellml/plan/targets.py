"""The task that fits the labels: what is asked of the network, and how its answer becomes labels again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cellml.plan.commented import Because
from cellml.plan.facts import ImageFacts, LabelFacts

_PER_SLICE = 4.0  # anisotropy from which sections are cut into fragments one by one


@dataclass(frozen=True)
class TaskPlan:
    """group: of conf/task; outputs: channels of the network; tree: what the experiment file says below `task`; thinnest_nm: what must stay
    visible; why: the task was chosen; values: class of each number in the file, where they are not 0, 1, 2 …; monitor: what the best
    checkpoint is chosen by, and whether more of it is better.
    """

    group: str
    outputs: int
    tree: Mapping[str, Any]
    thinnest_nm: float
    why: str
    values: Mapping[int, int] | None = None
    monitor: tuple[str, str] = ("val/loss", "min")


def choose_task(image: ImageFacts, labels: LabelFacts) -> TaskPlan:
    """Affinities for objects, classes for classes, membranes for membranes, regression for images."""
    return {"instance": _objects, "semantic": _classes, "membrane": _membranes, "image": _image}[labels.kind](image, labels)


def affinity_offsets(spacing: Sequence[float]) -> list[list[int]]:
    """Nearest neighbours, then pairs about 3 and 9 of the finest voxels apart along each axis, as far as that is 2 voxels or more.

    Long steps tell objects apart where a membrane is blurred (Lee et al. 2017), and are measured in nm, not in voxels.
    """
    offsets = [[-1, 0, 0], [0, -1, 0], [0, 0, -1]]
    for voxels in (3, 9):
        for axis in range(3):
            step = round(voxels * min(spacing) / spacing[axis])
            offset = [-step if a == axis else 0 for a in range(3)]
            if step >= 2 and offset not in offsets:
                offsets.append(offset)
    return offsets


def class_weights(counts: Mapping[int, int]) -> list[float]:
    """√(median share / share) of each class, between 0.3 and 5: rare classes count more, yet not so much that they are seen everywhere."""
    shares = np.array([count for count in counts.values() if count], float)
    return [round(float(np.clip(np.sqrt(np.median(shares) / share), 0.3, 5)), 2) for share in shares]


def _objects(image: ImageFacts, labels: LabelFacts) -> TaskPlan:
    offsets, sparse = affinity_offsets(image.spacing), labels.background > 0.4
    per_slice = image.anisotropy >= _PER_SLICE
    ratio = [round(s / min(image.spacing), 3) for s in image.spacing]
    fragments = {
        "_target_": "cellml.segmentation.fragments.DistanceFragments",
        "threshold": 0.5,
        "sigma": 0.7,
        "sampling": Because(ratio, "Distances to membranes are measured in these units: the voxels' ratio (z, y, x)."),
        "per_slice": Because(
            per_slice,
            f"Sections are {image.anisotropy:.1f} times thicker than pixels: fragments stay within one, and only agglomeration joins them."
            if per_slice
            else "Voxels are near enough to cubes for fragments to grow in 3D.",
        ),
        "background_below": Because(
            0.3 if sparse else 0.0,
            f"{labels.background:.0%} of the voxels belong to no object: where nothing attracts, label 0 is kept."
            if sparse
            else f"Only {labels.background:.1%} of the voxels have label 0: every voxel is given to an object.",
        ),
    }
    smallest = max(8, labels.smallest_voxels // 4)
    tree = {
        "target": Because(
            {"offsets": offsets},
            f"Does a voxel belong with its neighbour, and with voxels about 3 and 9 × {min(image.spacing):g} nm away? "
            "Steps are equal in nm along all axes as far as the voxels allow.",
        ),
        "decoder": {
            "_target_": "cellml.segmentation.waterz_agglomeration.WaterzAgglomeration",
            "min_size": Because(smallest, f"Voxels; 98 % of the labelled objects have {labels.smallest_voxels} or more."),
            "fragments": fragments,
        },
    }
    touching = "They touch, so a mask would fuse them" if labels.touching else "They do not touch, yet predictions of neighbours will"
    why = f"{labels.why}. {touching}: affinities of voxel pairs, decoded into objects; the threshold is chosen on the validation block."
    return TaskPlan("affinities", len(offsets), tree, labels.diameters_nm[0], why)


def _classes(image: ImageFacts, labels: LabelFacts) -> TaskPlan:
    numbers = [number for number, count in labels.counts.items() if count]
    if 0 not in numbers:
        numbers = [0, *numbers]
    values = None if numbers == list(range(len(numbers))) else {number: k for k, number in enumerate(numbers)}
    names = [labels.names.get(number) or _guessed(labels.reference, number, len(numbers)) for number in numbers]
    shares = [labels.counts.get(number, 0) / labels.voxels for number in numbers]
    said = ", ".join(f"{name} {share:.2%}" for name, share in zip(names, shares, strict=True))
    tree: dict[str, Any] = {"target": Because({"classes": names}, f"Shares of the labelled volume: {said}. Rename them as you like.")}
    if min(shares) < 0.1 and min(shares) > 0:
        weights = class_weights({number: labels.counts.get(number, 0) for number in numbers})
        why = "Cross-entropy weights √(median share / share), within 0.3 to 5; the Dice term of the loss balances the classes by itself."
        tree["loss"] = {"class_weights": Because(weights, why)}
    if len(numbers) == 2:
        tree["decoder"] = {"_target_": "cellml.segmentation.class_decoder.ClassDecoder"}
        smallest = sorted({0, labels.smallest_voxels // 2, labels.smallest_voxels})
        tree["decoder_grid"] = Because(
            {"threshold": [round(0.2 + 0.05 * k, 2) for k in range(13)], "smallest": smallest},
            "Tried on the validation block after training, and nowhere else. smallest: pieces of fewer voxels are dropped; 98 % of "
            f"the labelled pieces have {labels.smallest_voxels} or more.",
        )
    why = f"{labels.why}. A softmax over {len(numbers)} classes."
    return TaskPlan("semantic", len(numbers), tree, labels.diameters_nm[0], why, values, ("val/iou", "max"))


def _membranes(image: ImageFacts, labels: LabelFacts) -> TaskPlan:
    (number,) = [n for n in labels.counts if n != 0]
    why = f"{labels.why}. The membrane is learned, and the cells of each section are what it encloses, judged by V_rand and V_info."
    values = None if number == 1 else {0: 0, number: 1}
    return TaskPlan("membrane", 2, {}, 4 * min(image.spacing), why, values)


def _image(image: ImageFacts, labels: LabelFacts) -> TaskPlan:
    why = f"For {labels.reference}, {labels.why}: regression, scored by correlation."
    return TaskPlan("regression", 1, {"target": {"image_channels": ["image"]}}, 4 * min(image.spacing), why, None, ("val/pearson", "max"))


def _guessed(reference: str, number: int, classes: int) -> str:
    """A name for a class that the file does not name: that of the array, where it holds one class."""
    array = reference.rpartition(":")[2].strip("/")
    if number == 0:
        return "background"
    return array if classes == 2 and array.isidentifier() and array != "labels" else f"class_{number}" if classes > 2 else "foreground"
