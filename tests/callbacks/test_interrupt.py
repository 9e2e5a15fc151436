from __future__ import annotations

import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cellml.callbacks.interrupt import KeepPosition
from cellml.termination import Terminated


def trainer(saved: list[Path], world: int = 1) -> Any:
    return SimpleNamespace(world_size=world, save_checkpoint=saved.append, accumulate_grad_batches=1, global_step=1, max_steps=9)


def test_the_first_ctrl_c_waits_for_the_step_and_saves_and_the_second_does_not_wait(tmp_path: Path) -> None:
    saved: list[Path] = []
    before, callback = signal.getsignal(signal.SIGINT), KeepPosition(tmp_path / "last.ckpt")
    callback.on_train_start(trainer(saved), None)  # type: ignore[arg-type]
    try:
        callback.on_train_batch_end(trainer(saved), None, None, None, 0)  # type: ignore[arg-type]
        os.kill(os.getpid(), signal.SIGINT)
        assert saved == []
        with pytest.raises(KeyboardInterrupt):
            callback.on_train_batch_end(trainer(saved), None, None, None, 1)  # type: ignore[arg-type]
        assert saved == [tmp_path / "last.ckpt"]
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        callback.teardown(trainer(saved), None, "fit")  # type: ignore[arg-type]
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_of_several_processes_is_left_to_the_periodic_checkpoints(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    terminate, callback = signal.getsignal(signal.SIGTERM), KeepPosition(tmp_path / "last.ckpt")
    callback.on_train_start(trainer([], world=2), None)  # type: ignore[arg-type]
    try:
        assert signal.getsignal(signal.SIGINT) is before and signal.getsignal(signal.SIGTERM) is not terminate
    finally:
        callback.on_train_end(trainer([], world=2), None)  # type: ignore[arg-type]
    assert signal.getsignal(signal.SIGTERM) is terminate


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2])
def test_a_clusters_warning_keeps_the_position_at_the_end_of_an_optimiser_step(number: int, tmp_path: Path) -> None:
    saved: list[Path] = []
    asked: list[int] = []
    before = signal.signal(number, lambda given, frame: asked.append(given))
    callback, loop = KeepPosition(tmp_path / "last.ckpt"), trainer(saved)
    loop.accumulate_grad_batches = 2
    try:
        callback.on_train_start(loop, None)  # type: ignore[arg-type]
        os.kill(os.getpid(), number)
        callback.on_train_batch_end(loop, None, None, None, 0)  # type: ignore[arg-type]
        assert saved == [], "half of the step's batches are not yet in the weights"
        with pytest.raises(KeyboardInterrupt):
            callback.on_train_batch_end(loop, None, None, None, 1)  # type: ignore[arg-type]
        callback.on_exception(loop, None, KeyboardInterrupt())  # type: ignore[arg-type]
        assert saved == [tmp_path / "last.ckpt"] and asked == []
        with pytest.raises(Terminated):
            callback.stop()
        assert asked == ([] if number == signal.SIGTERM else [number]), "whoever was there before has the job queued again"
    finally:
        callback.teardown(loop, None, "fit")  # type: ignore[arg-type]
        signal.signal(number, before)


def test_the_last_step_is_left_to_its_validation(tmp_path: Path) -> None:
    saved: list[Path] = []
    callback, loop = KeepPosition(tmp_path / "last.ckpt"), trainer(saved)
    loop.global_step = loop.max_steps
    callback.received.add(signal.SIGTERM)
    callback.on_train_batch_end(loop, None, None, None, 0)  # type: ignore[arg-type]
    assert saved == []
    with pytest.raises(KeyboardInterrupt):
        callback.on_validation_batch_end(loop, None, None, None, 0)


def test_several_processes_agree_to_stop_when_one_is_asked(tmp_path: Path) -> None:
    saved: list[Path] = []
    callback, loop = KeepPosition(tmp_path / "last.ckpt"), trainer(saved, world=2)
    loop.strategy = SimpleNamespace(reduce_boolean_decision=lambda mine, all: True)
    with pytest.raises(KeyboardInterrupt):
        callback.on_train_batch_end(loop, None, None, None, 0)  # type: ignore[arg-type]
    assert saved == [tmp_path / "last.ckpt"] and callback.received == set()
