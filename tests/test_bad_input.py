"""Bad input to training and inference, by the real commands: refused with the numbers and the remedy, or handled and said so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.checkpoint import read
from cellml.io import write_volume
from cellml.types import Volume

Command = Callable[..., int]
Overrides = Callable[..., list[str]]
SEMANTIC = ("data=fib25", "task=semantic", "task.net.fine_channels=2")
SHORT = ("training.max_steps=1", "training.validations=1")


@pytest.fixture(scope="module")
def odd_files(tmp_path_factory: pytest.TempPathFactory, phantom_file: Path) -> Path:
    """A folder of variants of the phantom: two.ome.tif has two channels; stray.npz an unknown label; guard.npz labels between the blocks
    only; half.npz no foreground in the validation block.
    """
    folder = tmp_path_factory.mktemp("odd")
    with np.load(phantom_file) as file:
        raw, classes, voxel_nm = file["raw"], file["classes"], file["voxel_nm"]
    stray, guard, half = classes.copy(), np.zeros_like(classes), classes.copy()
    stray[2, 3, 4:7] = 9
    guard[20:24] = classes[20:24]
    half[24:] = 0
    for name, labels in (("stray", stray), ("guard", guard)):
        np.savez(folder / f"{name}.npz", raw=raw, labels=labels, voxel_nm=voxel_nm)
    half[24:, ::2] = 2
    half[:20][half[:20] == 0] = 2
    np.savez(folder / "half.npz", raw=raw, labels=half, voxel_nm=voxel_nm)
    write_volume(Volume(np.stack([raw, 255 - raw]), tuple(voxel_nm), axes="CZYX"), folder / "two.ome.tif")
    return folder


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["data.path={odd}/stray.npz", "data.labels={odd}/stray.npz"], "hold value 9 (3 voxels), and the classes are 0 background"),
        (["data.path={odd}/guard.npz", "data.labels={odd}/guard.npz"], "(in the guard band between blocks, it may be); move the region"),
        (["data.path={odd}/two.ome.tif"], "2 channel(s), but the network takes 1"),
        (["task.optimizer.lr=1e30", "training.max_steps=4"], "the loss is nan in 32-true, so the network's numbers have overflowed"),
    ],
)
def test_training_refuses(
    changes: list[str], message: str, cellml: Command, tiny: Overrides, odd_files: Path, phantom_file: Path, tmp_path: Path, capsys: Any
) -> None:
    words = [word.replace("{odd}", str(odd_files)) for word in changes]
    assert cellml("train", *tiny(tmp_path / "r", f"data.labels={phantom_file}:classes", *SHORT, *words, recipe=SEMANTIC)) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "r/model.ckpt").exists()
    assert (tmp_path / "r/run.claimed").exists() == any((tmp_path / "r").rglob("*.ckpt"))


def test_a_class_that_validation_lacks_is_said_to_be_unjudged_and_spoils_no_mean(
    cellml: Command, tiny: Overrides, odd_files: Path, tmp_path: Path, capsys: Any
) -> None:
    file = odd_files / "half.npz"
    words = [
        f"data.path={file}",
        f"data.labels={file}",
        "task.target.classes=[background,mitochondrion,glia]",
        "task.net.out_channels=3",
        *SHORT,
    ]
    assert cellml("train", *tiny(tmp_path / "r", *words, recipe=SEMANTIC)) == 0
    assert "Class 1 (mitochondrion) has no voxel in the validation labels" in capsys.readouterr().out
    assert 0 <= read(tmp_path / "r/model.ckpt")["cellml"]["metrics"]["val/dice"] <= 1


def test_inference_refuses_other_channels_and_warns_of_tiles_smaller_than_the_field_of_view(
    semantic_run: Any, cellml: Command, odd_files: Path, phantom_file: Path, tmp_path: Path, capsys: Any
) -> None:
    words = [f"checkpoint={semantic_run.model}", f"output={tmp_path / 'out.npz'}"]
    assert cellml("infer", *words, f"input={odd_files / 'two.ome.tif'}") == 2
    assert "has 2 channel(s), but the checkpoint was trained on 1" in capsys.readouterr().err and not (tmp_path / "out.npz").exists()
    assert cellml("infer", *words, f"input={phantom_file}", "tile=[8,8,8]", "halo=[0,0,0]") == 0
    assert "field of view is" in capsys.readouterr().out and (tmp_path / "out.npz").is_file()
