"""The list of checkpoints, and that the command it gives for each is one that composes."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from cellml.config import conf_dir, group_choices, quote_paths
from cellml.errors import FileError
from cellml.sharing.card_command import card_file
from cellml.sharing.models_command import list_models, row_of, score_of
from cellml.sharing.purposes import _BY_TASK, _SHAPES, _UNKNOWN

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.mark.parametrize("command", sorted({entry[1] for entry in (*_BY_TASK.values(), _SHAPES, _UNKNOWN)}))
def test_commands_compose(command: str) -> None:
    words = shlex.split(command.format(path="a/model.ckpt"))
    if words[0] == "python":
        assert compile(words[2], "command", "exec")
        return
    verb, overrides = words[1], words[2:]
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_dir().resolve()), version_base="1.3"):
        assert compose(verb, quote_paths(group_choices(verb, overrides)))


def test_every_task_that_is_named_exists() -> None:
    tasks = "".join(path.read_text() for path in (EXPERIMENTS.parent / "src/cellml/tasks").glob("*.py"))
    assert not [name for name in _BY_TASK if f"class {name}(" not in tasks]


def test_rows_of_a_folder_and_files_that_are_none(
    tiny_run: Any, semantic_run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, run in enumerate((tiny_run, semantic_run)):
        (tmp_path / f"{number}.ckpt").write_bytes(run.model.read_bytes())
    (tmp_path / "broken.ckpt").write_bytes(b"PK no zip")
    rows = list_models(tmp_path)
    assert [row["purpose"] for row in rows] == ["Segments volumes"] * 2
    assert rows[0]["metric"] == "adapted Rand error ↓" and rows[1]["metric"] == "Dice ↑" and rows[0]["spacing_nm"] == [10.0, 10.0, 10.0]
    text = capsys.readouterr().out
    assert "phantom.npz" in text and "10 × 10 × 10" in text and "Left out: " in text and "broken.ckpt is cut off" in text
    assert list_models(tmp_path, json=True) == rows and json.loads(capsys.readouterr().out) == rows


def test_no_folder_and_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="There is no folder"):
        list_models(tmp_path / "nowhere")
    with pytest.raises(FileError, match=r"holds no checkpoint of cellml \(0 files end in .ckpt\)"):
        list_models(tmp_path)


def test_the_score_that_tells_most() -> None:
    assert score_of({"val/loss": 1.0, "val/dice": 0.5}) == ("Dice ↑", 0.5)
    assert score_of({"val/sim/x": 1.0, "val/other": 2.0, "train/loss": 3.0}) == ("other", 2.0)
    assert score_of({"train/loss": 3.0}) == ("", None)


@pytest.mark.skipif(not (EXPERIMENTS / "shapes/pca.ckpt").is_file(), reason="needs the reference checkpoints of a checkout")
def test_reference_checkpoints_of_other_kinds() -> None:
    shapes, forest = row_of(EXPERIMENTS / "shapes/pca.ckpt"), row_of(EXPERIMENTS / "segmentation_vnc/forest.ckpt")
    assert shapes.spacing_nm is None and shapes.command.startswith("cellml generate checkpoint=") and shapes.data == ["spines"]
    assert forest.data == ["vnc_stack1"] and forest.spacing_nm == [45.0, 4.6, 4.6]


@pytest.mark.skipif(not (EXPERIMENTS / "shapes/structure.ckpt").is_file(), reason="needs the reference checkpoints of a checkout")
def test_a_density_is_not_judged_by_overlaps_and_its_command_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its Dice is 0, as no probability exceeds one half."""
    from cellml.io import read_volume, write_labels
    from cellml.types import Labels

    row = row_of(EXPERIMENTS / "shapes/structure.ckpt")
    assert row.metric == "validation loss ↓" and row.value is not None and row.value > 0
    text = card_file(row.checkpoint, tmp_path / "CARD.md").read_text()
    assert "answers with a density" in text and "val/dice" not in text and "val/loss" in text
    z, y, x = np.indices((20, 22, 24)) - np.array([10, 11, 12])[:, None, None, None]
    write_labels(Labels((z**2 + y**2 + x**2 < 64).astype(np.uint8), (60.0, 64.0, 64.0)), tmp_path / "cell.tif")
    monkeypatch.chdir(tmp_path)
    exec(shlex.split(row.command)[2], {})
    density = read_volume(tmp_path / "density.tif").data
    assert density.min() == 0 and 0 < density.max() < 1
