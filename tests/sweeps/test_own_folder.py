"""A training that finds its own folder again."""

from __future__ import annotations

import csv
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from cellml.checkpoint import read
from cellml.errors import CellmlError
from cellml.run_folder import held_folder
from cellml.sweeps.job_record import read_record

Command = Callable[..., int]
Overrides = Callable[..., list[str]]


def equal(a: Path, b: Path) -> bool:
    first, second = (read(path)["state_dict"] for path in (a, b))
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def rows(folder: Path) -> list[dict[str, str]]:
    with next(folder.rglob("metrics.csv")).open() as stream:
        return list(csv.DictReader(stream))


def dying(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Let the training die after the checkpoint of a step."""
    from cellml.callbacks.checkpoints import AtomicCheckpointIO

    save = AtomicCheckpointIO.save_checkpoint

    def die(self: Any, checkpoint: dict[str, Any], path: Any, **more: Any) -> None:
        save(self, checkpoint, path, **more)
        if Path(path).name == "last.ckpt" and checkpoint["global_step"] == step:
            raise RuntimeError("killed")

    monkeypatch.setattr(AtomicCheckpointIO, "save_checkpoint", die)


def test_a_run_that_names_its_own_folder_begins_goes_on_and_is_done_once(
    tiny_run: Any, cellml: Command, tiny: Overrides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "own"
    words = tiny(folder, "trainer.log_every_n_steps=1", f"resume={folder}")
    with monkeypatch.context() as patch:
        dying(patch, step=2)
        with pytest.raises(RuntimeError, match="killed"):
            cellml("train", *words)
    record = read_record(folder)
    assert record is not None and record.state == "failed" and record.error == "RuntimeError: killed"
    before = [row for row in rows(folder) if row.get("train/loss")] if list(folder.rglob("metrics.csv")) else []
    assert cellml("train", *words) == 0
    assert equal(folder / "model.ckpt", tiny_run.model) and equal(folder / "checkpoints/last.ckpt", tiny_run.last)
    record = read_record(folder)
    assert record is not None and (record.state, record.starts, record.objective) == ("done", 2, "val/loss") and record.value is not None
    steps = [int(row["step"]) for row in rows(folder) if row.get("train/loss")]
    assert steps[-2:] == [2, 3] and len(steps) == len(before) + 2
    written = (folder / "model.ckpt").stat().st_mtime_ns
    assert cellml("train", *words) == 0 and (folder / "model.ckpt").stat().st_mtime_ns == written
    assert cellml("train", *words, "seed=3") == 2, "another training has no place in this folder"


def test_dropout_draws_alike_in_a_run_that_was_interrupted(
    cellml: Command, tiny: Overrides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {name: tiny(tmp_path / name, "task.net.dropout=0.3", "training.validations=1") for name in ("whole", "own")}
    assert cellml("train", *words["whole"]) == 0
    with monkeypatch.context() as patch:
        dying(patch, step=2)
        with pytest.raises(RuntimeError, match="killed"):
            cellml("train", *words["own"], f"resume={tmp_path / 'own'}")
    assert cellml("train", *words["own"], f"resume={tmp_path / 'own'}") == 0
    assert equal(tmp_path / "own/checkpoints/last.ckpt", tmp_path / "whole/checkpoints/last.ckpt")


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
def test_a_signal_to_every_process_of_a_job_keeps_its_position(
    number: int, tiny_run: Any, cellml: Command, tiny: Overrides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a cluster sends it: the processes that load patches get it too, and a training whose loader dies would fail."""
    from cellml.callbacks.seeded_steps import SeededSteps

    words = tiny(tmp_path / "own", "data.num_workers=1", "callbacks.last.every_n_train_steps=100", f"resume={tmp_path / 'own'}")
    begin = SeededSteps.on_train_batch_start

    def warn(self: Any, trainer: Any, *rest: Any) -> None:
        begin(self, trainer, *rest)
        if trainer.global_step == 1:
            loaders = multiprocessing.active_children()
            assert loaders
            for process in (*(loader.pid for loader in loaders), os.getpid()):
                assert process is not None
                os.kill(process, number)
            time.sleep(0.3)  # in which a loader would die

    with monkeypatch.context() as patch:
        patch.setattr(SeededSteps, "on_train_batch_start", warn)
        assert cellml("train", *words) == 128 + signal.SIGTERM
    record = read_record(tmp_path / "own")
    assert record is not None and record.state == "interrupted"
    assert read(tmp_path / "own/checkpoints/last.ckpt")["global_step"] == 2
    assert cellml("train", *words) == 0
    assert equal(tmp_path / "own/model.ckpt", tiny_run.model)


def test_a_warning_while_the_decoder_is_chosen_loses_nothing(
    tiny_run: Any, cellml: Command, tiny: Overrides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cellml.tasks.decoder_choice as choice

    words = tiny(tmp_path / "own", f"resume={tmp_path / 'own'}")
    with monkeypatch.context() as patch:
        patch.setattr(choice, "choose_decoder", lambda *_: os.kill(os.getpid(), signal.SIGUSR1))
        assert cellml("train", *words) == 128 + signal.SIGTERM
    record = read_record(tmp_path / "own")
    assert record is not None and record.state == "interrupted" and not (tmp_path / "own/model.ckpt").exists()
    assert cellml("train", *words) == 0 and equal(tmp_path / "own/model.ckpt", tiny_run.model)


def test_a_sweep_that_is_repeated_does_what_is_missing(
    cellml: Command, tiny: Overrides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [w for w in tiny(tmp_path, "training.max_steps=2", "training.validations=1") if not w.startswith(("hydra.", "seed="))]
    command = ["train", "--multirun", *words, f"hydra.sweep.dir={tmp_path / 'sweep'}"]
    with monkeypatch.context() as patch:
        dying(patch, step=1)
        with pytest.raises(RuntimeError, match="killed"):
            cellml(*command, "seed=0,1")
    assert cellml(*command, "seed=0,1") == 0
    records = [read_record(tmp_path / f"sweep/{number}") for number in (0, 1)]
    assert [(r.state, r.starts) for r in records if r is not None] == [("done", 2), ("done", 2)]
    written = [(tmp_path / f"sweep/{number}/model.ckpt").stat().st_mtime_ns for number in (0, 1)]
    capsys.readouterr()
    assert cellml(*command, "seed=0,1") == 0
    assert [(tmp_path / f"sweep/{number}/model.ckpt").stat().st_mtime_ns for number in (0, 1)] == written
    assert cellml(*[w.replace("training.max_steps=2", "training.max_steps=3") for w in command], "seed=0,1") == 2
    said = capsys.readouterr().err
    assert "That run is finished" in said and "training.max_steps (2 → 3)" in said and "delete" not in said


def test_a_folder_in_which_another_process_trains_is_refused(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with held_folder(tmp_path / "run", ["a=1"], again=True):
                os.write(write_end, b"1")
                os.read(read_end, 0)
                import time

                time.sleep(60)
        finally:
            os._exit(0)
    assert os.read(read_end, 1) == b"1"
    refused = pytest.raises(CellmlError, match="Another process is training in .* right now")
    with refused, held_folder(tmp_path / "run", ["a=1"], again=True, patience_s=0.1):
        pass
    os.kill(child, 9)
    os.waitpid(child, 0)
    with held_folder(tmp_path / "run", ["a=1"], again=True, patience_s=5):
        assert (tmp_path / "run/run.claimed").read_text() == "a=1"


def test_a_job_of_a_sweep_starts_no_processes_outside_of_slurm(
    cellml: Command, tiny: Overrides, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each would repeat the command, which is the sweep."""
    words = [w for w in tiny(tmp_path) if not w.startswith("hydra.")]
    assert cellml("train", "--multirun", *words, f"hydra.sweep.dir={tmp_path / 'sweep'}", "trainer=ddp") == 2
    said = capsys.readouterr().err
    assert "trainer.devices is 2, and a job of a sweep trains in one process" in said and "tasks_per_node=2" in said


@pytest.mark.parametrize(
    ("devices", "several"),
    [
        (1, False),
        ("1", False),
        ([0], False),
        ([3], False),
        (2, True),
        ("2", True),
        (-1, True),
        ("auto", True),
        ([0, 1], True),
        ("0,1", True),
    ],
)
def test_devices_that_may_be_several_processes(devices: Any, several: bool) -> None:
    from omegaconf import OmegaConf

    from cellml.sweeps.own_folder import _may_be_several

    assert _may_be_several(OmegaConf.create({"devices": devices}).devices) is several
