"""All choices together, as the tree of an experiment file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cellml.plan import reasons
from cellml.plan.augmentation import transforms
from cellml.plan.commented import Because
from cellml.plan.facts import ImageFacts, LabelFacts
from cellml.plan.machine import Machine
from cellml.plan.network import Network, choose_network, window_of
from cellml.plan.split import Split, choose_split
from cellml.plan.targets import TaskPlan, choose_task

_PASSES = 60  # how often each voxel of the training block is seen, with augmentation, before a small network has learned what it can
_FARTHEST = 100  # of the finest voxels: what a network should see around a voxel, however large objects are
_SCARCE = 0.5  # share of voxels that somebody labelled, below which patches look for them
_STEPS = (1_000, 20_000)  # fewer leave the learning rate no time, more wait for more data


@dataclass(frozen=True)
class Plan:
    """Everything that was decided. steps: of the optimiser; wanted: steps that the data would repay, without a limit of time."""

    image: ImageFacts
    labels: LabelFacts
    machine: Machine
    task: TaskPlan
    split: Split
    network: Network
    steps: int
    wanted: int
    spacing_given: bool

    @property
    def room(self) -> tuple[int, int, int]:
        """Voxels of the training block."""
        return _room(self.image.shape, self.split)


def make_plan(image: ImageFacts, labels: LabelFacts, machine: Machine, *, minutes: float, spacing_given: bool) -> Plan:
    """Decide, from facts about the data and the machine. minutes: that training may take. Raises CellmlError where nothing fits."""
    task = choose_task(image, labels)
    axes = "yx" if sparse_sections(image, labels) else "zyx"  # each block keeps its share of every labelled section
    split = choose_split(image.shape, image.spacing, labels.projections, axes)
    context = float(np.clip(labels.diameters_nm[2], 20 * min(image.spacing), _FARTHEST * min(image.spacing)))
    network = choose_network(
        image.spacing,
        _room(image.shape, split),
        machine,
        channels=image.channels,
        outputs=task.outputs,
        context_nm=context,
        thinnest_nm=task.thinnest_nm,
    )
    room = _room(image.shape, split)
    voxels, patch = room[0] * room[1] * room[2], network.patch[0] * network.patch[1] * network.patch[2]
    wanted = int(min(max(_PASSES * voxels / (patch * network.batch), _STEPS[0]), _STEPS[1]))
    steps = max(50, min(wanted, int(60 * minutes / max(network.seconds, 1e-3))))
    return Plan(image, labels, machine, task, split, network, steps, wanted, spacing_given)


def experiment(plan: Plan, name: str) -> dict[str, Any]:
    """The experiment file as a tree for `commented_yaml`."""
    return {
        "defaults": [
            "train",
            {"override /data": None},
            Because({"override /task": plan.task.group}, f"The task: {plan.task.why}"),
            {"override /trainer": "gpu" if plan.machine.gpu else "cpu"},
            "_self_",
        ],
        "name": name,
        "seed": 0,
        "data": _data(plan),
        "task": _task(plan),
        "training": _training(plan),
        "callbacks": {"best": {"monitor": plan.task.monitor[0], "mode": plan.task.monitor[1]}},
    }


def _data(plan: Plan) -> dict[str, Any]:
    image, labels, split, network = plan.image, plan.labels, plan.split, plan.network
    shared: dict[str, Any] = {"spacing_nm": list(image.spacing)} if plan.spacing_given else {}
    sparse = sparse_sections(plan.image, plan.labels)
    val = {**shared, **({"labelled_sections": sparse} if sparse else {})}
    tree: dict[str, Any] = {
        "_target_": "cellml.data.module.VolumeDataModule",
        "path": image.reference,
        "labels": labels.reference,
        "train": Because([{"region": {split.axis: list(split.train)}, **shared}], reasons.why_split(plan)),
        "val": [{"region": {split.axis: list(split.val)}, **val}],
        "guard": Because(
            split.guard, f"Voxels along {split.axis} that belong to neither: {reasons.guard_nm(plan)} nm, so that blocks do not correlate."
        ),
        "patch": Because(list(network.patch), reasons.why_patch(plan)),
        "batch_size": Because(network.batch, reasons.why_batch(plan)),
        "patches_per_epoch": 50 * network.batch,
        "normalisation": Because("volume", reasons.why_normalisation(plan)),
        "min_labelled": 0.0,
        "num_workers": 0,
        "seed": "${seed}",
    }
    if plan.task.values is not None:
        tree["values"] = Because(dict(plan.task.values), "Number in the file: class number of the network.")
    if labels.left_out:
        why = "Numbers that stand for no class: unlabelled voxels, and strays of a few voxels. The loss and the scores leave them out."
        tree["ignore"] = Because(labels.left_out, why)
    if sparse:
        why = f"Only {len(sparse)} of {image.shape[0]} sections hold labels; in all others nobody labelled, and the loss leaves them out."
        tree["labelled_sections"] = Because(sparse, why)
    rarest = min((c for n, c in labels.counts.items() if n != 0 and c), default=0) / max(1, labels.voxels)
    scarce = bool(sparse) or labels.voxels < _SCARCE * float(np.prod(image.shape))
    if scarce or (labels.kind == "semantic" and rarest < 0.03):
        why = (
            "Every patch is drawn around a labelled voxel."
            if scarce
            else f"The rarest class fills {rarest:.2%}: half of the patches look for it."
        )
        rule = {"_target_": "cellml.data.sampling.AroundLabels", "share": 1.0 if scarce else 0.5, "balanced": True}
        tree["sampling"] = Because(rule, why)
    if plan.task.group == "regression":
        tree = _paired(tree, plan)
    return tree | {"transforms": Because(transforms(plan), reasons.why_transforms(plan))}


def _paired(tree: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
    """The data of a regression: an image to predict instead of labels."""
    kept = {
        key: value
        for key, value in tree.items()
        if key not in ("labels", "min_labelled", "sampling", "values", "labelled_sections", "ignore")
    }
    targets = [{"name": "image", "image": plan.labels.reference}]
    return {**kept, "_target_": "cellml.data.paired_module.PairedDataModule", "targets": targets}


def sparse_sections(image: ImageFacts, labels: LabelFacts) -> list[int]:
    """The sections that were labelled, where they are a choice of sections; empty where labels are everywhere."""
    found = list(labels.labelled_sections)
    return found if labels.kind != "image" and 0 < len(found) < 0.5 * image.shape[0] else []


def _task(plan: Plan) -> dict[str, Any]:
    network, image = plan.network, plan.image
    net = {
        "in_channels": image.channels,
        "out_channels": plan.task.outputs,
        "spacing": Because([float(f"{s:.4g}") for s in image.spacing], reasons.why_topology(plan)),
        "widths": Because(list(network.widths), reasons.why_widths(plan)),
        "stem_stride": Because(network.stem_stride, reasons.why_stem(plan)),
        "dropout": Because(0.0, "0.1 makes `cellml infer … dropout_passes=8` possible; tta=8 and ensembles need no preparation."),
    }
    why = (
        "Prediction of whole volumes. Tiles are about twice the patch; the halo, a third of the field of view or what a tile lacks of it, "
        "is context that is read and thrown away (null: all of it)."
    )
    return {"net": net, **plan.task.tree, "window": Because(window_of(network, image.shape), why)}


def _training(plan: Plan) -> dict[str, Any]:
    seconds = plan.steps * plan.network.seconds
    why = (
        f"{_PASSES} passes over the training block, but at least {_STEPS[0]} steps, are {plan.wanted} steps of {plan.network.batch} "
        f"patch(es). A step should take {plan.network.seconds:.2f} s here (counted operations at a measured {plan.machine.gflops:.0f} "
        f"GFLOP/s), so these steps about {seconds / 60:.0f} min; training times a few steps itself before it starts."
    )
    if plan.steps < plan.wanted:
        why += " They were cut to the time allowed (minutes=…): more will help."
    return {"max_steps": Because(plan.steps, why), "validations": Because(4, "Looks at the validation block, evenly spread.")}


def _room(shape: tuple[int, int, int], split: Split) -> tuple[int, int, int]:
    z, y, x = (split.sizes[0] if axis == split.axis else n for axis, n in zip("zyx", shape, strict=True))
    return (z, y, x)
