from __future__ import annotations

import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cellml.callbacks.interrupt import KeepPosition


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


def test_several_processes_are_left_to_the_periodic_checkpoints(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    KeepPosition(tmp_path / "last.ckpt").on_train_start(trainer([], world=2), None)  # type: ignore[arg-type]
    assert signal.getsignal(signal.SIGINT) is before
