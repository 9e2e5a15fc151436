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
    from cellml.data.blocks import Block
    from cellml.infer.block import predict_block
    from cellml.metrics.contingency import ContingencyTable
    from cellml.metrics.partition import partition_scores

    found = predict_block(checkpoint, Block(data, region=region))
    block = found.block
    truth = Labels(found.truth, block.spacing, block.origin, name="truth")
    prediction = Labels(found.task.decode(found.probabilities), block.spacing, block.origin, name="prediction")
    scores = partition_scores(ContingencyTable.from_labels(truth.data, prediction.data))
    boundary = 1 - found.probabilities[:3].mean(axis=0)
    return SegmentedBlock(
        Volume(block.read_raw(), block.spacing, block.origin, name="raw"), truth, prediction, boundary, scores, block.warning
    )
