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


def predict_block(
    checkpoint: Path | str | Sequence[Path | str], block: Block, *, trust: Sequence[str] = (), tta: int = 1
) -> PredictedBlock:
    """Predict one block with a segmentation task's checkpoint, tiled, in the number format that this machine is fast at.

    checkpoint: one, or several that answer together, with the decoder of the first; tta: orientations that are averaged over. The image
    beyond the block is not used as context, so that nothing outside it has a say. Raises CellmlError where block and checkpoint disagree
    on voxel size or channels.
    """
    from cellml.checkpoint import require_match
    from cellml.infer.device import choose_device, choose_precision, set_threads
    from cellml.infer.members import load_members, make_committee
    from cellml.infer.progress import tile_progress

    set_threads(None)
    paths = [checkpoint] if isinstance(checkpoint, str | Path) else checkpoint
    members, place = load_members([str(path) for path in paths], trust), choose_device("auto")
    task = members.task.to(place)
    task.window = replace(task.window, precision=choose_precision(place))
    opened = OpenBlock(block, normalisation=members.contract["normalisation"])
    require_match(members.contract, spacing_nm=opened.spacing, channels=opened.channels, name=opened.name)
    image = opened.read_image()
    alone = len(members.nets) * tta == 1
    net = task.net if alone else make_committee(members, tta=tta, dropout_passes=0, seed=0, entropies=False).to(place)
    with tile_progress(sum(len(row) for row in task.window.plan(net, image.shape[1:]).rows())) as advance:
        if alone:
            probabilities = task.predict_volume(image, on_tile=advance)
        else:
            probabilities = task.window.whole(net, image, activation=lambda p: p, on_tile=advance)[: task.target.channels]
    return PredictedBlock(opened, task, probabilities, opened.read_labels())
