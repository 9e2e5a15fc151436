from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cellml.checkpoint import load
from cellml.data.module import VolumeDataModule
from cellml.errors import CellmlError
from cellml.tasks.redecode import redecode

CHANGES = {
    "target": {"_target_": "cellml.tasks.membrane_target.MembraneTarget", "channels": 2},
    "decoder": {"_target_": "cellml.segmentation.section_watershed.SectionWatershed"},
    "decoder_grid": {"threshold": [0.3, 0.5], "sigma": [1.0]},
}


def data(phantom_file: Path) -> VolumeDataModule:
    blocks: Any = {"train": [{"region": {"z": [0, 20]}}], "val": [{"region": {"z": [24, 40]}}]}
    return VolumeDataModule(**blocks, patch=[8, 8, 8], path=str(phantom_file), labels=f"{phantom_file}:classes", guard=4)


def test_a_network_of_two_classes_becomes_one_of_membranes(semantic_run: Any, phantom_file: Path, tmp_path: Path) -> None:
    scores = redecode(semantic_run.model, tmp_path / "membranes.ckpt", data(phantom_file), CHANGES)
    before, after = load(semantic_run.model).task, load(tmp_path / "membranes.ckpt")
    assert set(scores) == {"val/v_rand", "val/v_info"} and after.record["metrics"]["val/v_rand"] == scores["val/v_rand"]
    assert all(torch.equal(a, b) for a, b in zip(before.state_dict().values(), after.task.state_dict().values(), strict=True))
    image = np.random.default_rng(0).normal(size=(1, 8, 16, 16)).astype(np.float32)
    np.testing.assert_array_equal(before.predict_volume(image), after.task.predict_volume(image))
    labels = after.task.decode(after.task.predict_volume(image))
    assert labels.all() and not set(np.unique(labels[0])) & set(np.unique(labels[1]))
    assert (tmp_path / "decoder.csv").read_text().count("\n") == 3


def test_a_target_of_other_channels_is_refused(semantic_run: Any, phantom_file: Path, tmp_path: Path) -> None:
    one = {**CHANGES, "target": {"_target_": "cellml.tasks.membrane_target.MembraneTarget", "channels": 1}}
    with pytest.raises(CellmlError, match="2 output channels, but the target asks for 1"):
        redecode(semantic_run.model, tmp_path / "membranes.ckpt", data(phantom_file), one)
