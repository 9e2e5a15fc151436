"""Ctrl-C during training: the step is finished and its position kept."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import pytorch_lightning as pl


class KeepPosition(pl.Callback):
    """The first Ctrl-C lets the running step end, writes `checkpoint` and stops; the second stops at once.

    Without it an interrupted run would lose all steps since the last periodic checkpoint. Left to the periodic checkpoints where several
    processes train together: they would have to agree on the step.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint, self._asked = checkpoint, False
        self._previous: Any = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take over Ctrl-C."""
        if trainer.world_size == 1 and threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._note)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Keep the position and stop, if asked to."""
        if self._asked:
            trainer.save_checkpoint(self.checkpoint)
            raise KeyboardInterrupt

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Give Ctrl-C back."""
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        print("\ncellml: stopping after this step, and keeping its position (Ctrl-C again stops at once)", file=sys.stderr, flush=True)
