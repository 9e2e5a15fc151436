"""One labelled block, predicted with a checkpoint: what studies and the demo score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.data.blocks import Block, OpenBlock


@dataclass(frozen=True, eq=False)
class PredictedBlock:
    """block: the opened files; task: the trained task, for its decoder; probabilities: (K, Z, Y, X) float32; truth: (Z, Y, X) labels."""

    block: OpenBlock
    task: Any
    probabilities: NDArray[np.float32]
    truth: NDArray[Any]


def predict_block(checkpoint: Path | str, block: Block, *, trust: Sequence[str] = ()) -> PredictedBlock:
    """Predict one block with a checkpoint of a segmentation task, tiled, in the number format that this machine is fast at.

    The image beyond the block is not used as context, so that nothing outside it has a say. Raises CellmlError where block and checkpoint
    disagree on voxel size or channels.
    """
    from cellml.checkpoint import load, require_match
    from cellml.infer.device import choose_device, choose_precision, set_threads
    from cellml.infer.progress import tile_progress

    set_threads(None)
    model, place = load(checkpoint, trust=trust, task="SegmentationTask"), choose_device("auto")
    task = model.task.to(place)
    task.window = replace(task.window, precision=choose_precision(place))
    opened = OpenBlock(block, normalisation=model.contract["normalisation"])
    require_match(model.contract, spacing_nm=opened.spacing, channels=opened.channels, name=opened.name)
    image = opened.read_image()
    with tile_progress(sum(len(row) for row in task.window.plan(task.net, image.shape[1:]).rows())) as advance:
        probabilities = task.predict_volume(image, on_tile=advance)
    return PredictedBlock(opened, task, probabilities, opened.read_labels())
