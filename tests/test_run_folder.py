"""Run folders: claimed by one run, never overwritten, given back by a run that was refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellml.errors import CellmlError
from cellml.run_folder import claim_folder, release_folder

Command = Callable[..., int]
Overrides = Callable[..., list[str]]


def test_run_folders_are_never_overwritten(tiny_run: Any, cellml: Command, tiny: Overrides, capsys: Any) -> None:
    before = tiny_run.model.read_bytes()
    assert cellml("train", *tiny(tiny_run.folder)) == 2
    assert "never overwritten" in capsys.readouterr().err and tiny_run.model.read_bytes() == before


def test_two_runs_that_want_one_folder(tmp_path: Path) -> None:
    claim_folder(tmp_path / "run")
    with pytest.raises(CellmlError, match="belongs to another run.*has not written a checkpoint.*delete"):
        claim_folder(tmp_path / "run")
    release_folder(tmp_path / "run")
    claim_folder(tmp_path / "run")
    (tmp_path / "run/checkpoints").mkdir()
    (tmp_path / "run/checkpoints/last.ckpt").touch()
    release_folder(tmp_path / "run")
    with pytest.raises(CellmlError, match="belongs to another run.*resume=.*last.ckpt and name a new folder"):
        claim_folder(tmp_path / "run")


def test_a_folder_of_a_finished_run_says_so_and_names_what_differs(tmp_path: Path) -> None:
    claim_folder(tmp_path / "run", ["training.max_steps=3", "seed=0", "~logger", "data=fib25"], again=True)
    (tmp_path / "run/model.ckpt").touch()
    with pytest.raises(CellmlError, match="is finished, its model is .*model.ckpt") as refused:
        claim_folder(tmp_path / "run", ["training.max_steps=4", "data=fib25", "task.net.norm=none"], again=True)
    said = str(refused.value)
    assert "differs from this command in seed (0 → default), task.net.norm (default → none), training.max_steps (3 → 4), " in said
    assert "~logger (given → default)" in said and "data (" not in said and "delete" not in said and "hydra.sweep.dir" in said


def test_a_folder_with_weights_is_never_to_be_deleted(tmp_path: Path) -> None:
    claim_folder(tmp_path / "run", ["seed=0"])
    (tmp_path / "run/checkpoints").mkdir()
    (tmp_path / "run/checkpoints/best.ckpt").touch()
    with pytest.raises(CellmlError, match="was not finished, and its checkpoints are kept there") as refused:
        claim_folder(tmp_path / "run", ["seed=0"])
    assert "delete" not in str(refused.value) and "differs" not in str(refused.value)


def test_a_run_that_was_refused_runs_again_in_its_folder_once_the_cause_is_mended(
    cellml: Command, tiny: Overrides, tmp_path: Path, capsys: Any
) -> None:
    words = ("training.max_steps=1", "training.validations=1")
    assert cellml("train", *tiny(tmp_path / "r", *words, "data.patch=[24,24,24]")) == 2
    assert "smaller than the patch" in capsys.readouterr().err
    assert cellml("train", *tiny(tmp_path / "r", *words)) == 0 and (tmp_path / "r/model.ckpt").is_file()
