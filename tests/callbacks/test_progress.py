from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from cellml.callbacks import progress
from cellml.callbacks.progress import Progress


def test_where_nobody_watches_a_line_now_and_then_says_where_training_stands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    bar = Progress(seconds=20)
    trainer: Any = SimpleNamespace(
        global_step=10, max_steps=110, callback_metrics={"train/loss": torch.tensor(0.5), "other": torch.tensor(1.0)}
    )
    bar.on_train_start(trainer, None)  # type: ignore[arg-type]
    for step in range(11, 111):
        now[0] += 1
        trainer.global_step = step
        bar.on_train_batch_end(trainer, None, None, None, 0)  # type: ignore[arg-type]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "step 30/110  train/loss 0.500  about 80 s left"
    assert len(lines) == 5 and lines[-1].startswith("step 110/110")
