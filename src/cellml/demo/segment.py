"""The held-out block of the demo: predicted, decoded, scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellml.metrics.partition import PartitionScores
from cellml.types import Labels, Volume


@dataclass(frozen=True, eq=False)
class SegmentedBlock:
    """raw: the image as measured; truth, prediction: instances; boundary: predicted probability of a boundary, (Z, Y, X) in [0, 1]."""

    raw: Volume
    truth: Labels
    prediction: Labels
    boundary: NDArray[np.float32]
    scores: PartitionScores
    warning: str | None


def segment_held_out(checkpoint: Path, data: str, region: Mapping[str, Sequence[int]]) -> SegmentedBlock:
    """Predict one block with a checkpoint and score it over all voxels with truth > 0 (prediction 0 counts as one segment)."""
    from dataclasses import replace

    from cellml.checkpoint import load, require_match
    from cellml.data.blocks import Block, OpenBlock
    from cellml.infer.device import choose_device, choose_precision, set_threads
    from cellml.infer.progress import tile_progress
    from cellml.metrics.contingency import ContingencyTable
    from cellml.metrics.partition import partition_scores

    set_threads(None)
    model, place = load(checkpoint, task="SegmentationTask"), choose_device("auto")
    task = model.task.to(place)
    task.window = replace(task.window, precision=choose_precision(place))
    block = OpenBlock(Block(data, region=region), normalisation=model.contract["normalisation"])
    require_match(model.contract, spacing_nm=block.spacing, channels=block.channels, name=block.name)
    image = block.read_image()
    with tile_progress(sum(len(row) for row in task.window.plan(task.net, image.shape[1:]).rows())) as advance:
        affinities = task.predict_volume(image, on_tile=advance)
    truth = Labels(block.read_labels(), block.spacing, block.origin, name="truth")
    prediction = Labels(task.decode(affinities), block.spacing, block.origin, name="prediction")
    scores = partition_scores(ContingencyTable.from_labels(truth.data, prediction.data))
    boundary = 1 - affinities[:3].mean(axis=0)
    return SegmentedBlock(
        Volume(block.read_raw(), block.spacing, block.origin, name="raw"), truth, prediction, boundary, scores, block.warning
    )
