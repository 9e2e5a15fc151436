"""Probabilities beside the truth, slab by slab: what calibration is measured on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cellml.errors import CellmlError

Answer = tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.bool_]]


@dataclass(frozen=True)
class Question:
    """What is judged. names: of the channels; exclusive: whether they are classes that sum to 1; origin: where it comes from, in words."""

    names: tuple[str, ...]
    exclusive: bool
    origin: str


def network_answers(members: Any, committee: Any, window: Any, blocks: Sequence[Any]) -> Iterator[Answer]:
    """Probabilities (K, n, Y, X), truth (K, n, Y, X) of 0 and 1, and mask (1 or K, n, Y, X) of each slab of opened, labelled blocks."""
    from cellml.infer.progress import tile_progress
    from cellml.uncertainty.symmetry import reach

    target = members.task.target
    context = max(1, reach(getattr(target, "offsets", None))[0])
    for block in blocks:
        tiles = sum(len(row) for row in window.plan(committee, block.shape).rows())
        with tile_progress(tiles) as advance:
            for z, result in window.slabs(committee, block.read_image, block.shape, activation=lambda p: p, on_tile=advance):
                truth, mask = _truth(target, block, z, context)
                yield result[:-2], truth, mask


def _truth(target: Any, block: Any, z: slice, context: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Targets of a slab, made from labels with `context` sections around it, as pairs reach beyond the slab."""
    depth, height, width = block.shape
    start, stop = max(0, z.start - context), min(depth, z.stop + context)
    labels = block.read_labels((slice(start, stop), slice(0, height), slice(0, width)))
    truth, mask = target(torch.from_numpy(labels.astype(np.int64))[None])
    inner = slice(z.start - start, z.stop - start)
    return truth[0, :, inner].numpy().astype(np.uint8), mask[0, :, inner].numpy().astype(bool)


def file_answers(probabilities: Any, truth: Any, ignore: int | None) -> Iterator[Answer]:
    """The same of a probability file (K classes, or one foreground probability) and an opened label volume of its shape.

    ignore: label of voxels that nobody labelled. Raises CellmlError for other shapes, classes beyond K, and values outside 0 to 1.
    """
    from cellml.uncertainty.probability_file import require_classes

    if tuple(truth.shape) != tuple(probabilities.shape):
        raise CellmlError(f"{probabilities.name} has {probabilities.shape} voxels (z, y, x) but the truth {tuple(truth.shape)}.")
    _, height, width = truth.shape
    for z, block in probabilities.slabs():
        require_classes(block, probabilities.name)
        labels = truth.read((z, slice(0, height), slice(0, width))).astype(np.int64)
        known = np.ones(labels.shape, bool) if ignore is None else labels != ignore
        labels = np.where(known, labels, 0)
        if len(block) == 1:
            yield block, (labels > 0)[None].astype(np.uint8), known[None]
            continue
        if labels.max() >= len(block) or labels.min() < 0:
            raise CellmlError(
                f"{truth.name} holds class {int(labels.max())}, but {probabilities.name} has {len(block)} channels, for the classes 0 to "
                f"{len(block) - 1}; if a number means unlabelled, pass ignore=NUMBER."
            )
        yield block, (labels == np.arange(len(block))[:, None, None, None]).astype(np.uint8), known[None]


def validation_blocks(record: dict[str, Any], spacing_nm: Sequence[float] | None = None) -> list[Any]:
    """The validation blocks that a checkpoint was trained beside, opened. Raises CellmlError where it names none."""
    from dataclasses import replace

    from omegaconf import OmegaConf

    from cellml.data.blocks import OpenBlock
    from cellml.data.module import VolumeDataModule

    config = OmegaConf.to_container(OmegaConf.create(record["config"]), resolve=True)
    data = dict(config.get("data") or {}) if isinstance(config, dict) else {}
    leave = ("_target_", "transforms", "sampling", "pseudo")
    if not str(data.get("_target_", "")).endswith(".VolumeDataModule") or not data.get("val"):
        raise CellmlError("The checkpoint names no validation blocks; give a labelled volume: input=FILE truth=FILE.")
    module = VolumeDataModule(**{key: value for key, value in data.items() if key not in leave})
    blocks = [replace(b, spacing_nm=list(spacing_nm)) if spacing_nm else b for b in module.val_blocks]
    return [OpenBlock(block, normalisation=record["contract"]["normalisation"], spacing_key="spacing_nm") for block in blocks]
