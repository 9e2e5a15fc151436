"""Progress that a log file can hold too: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import RichProgressBar


class Progress(RichProgressBar):
    """A Rich bar where someone watches; where output goes to a file, one line each `seconds` with step, loss and time left."""

    def __init__(self, seconds: float = 20.0) -> None:
        super().__init__(leave=True)
        self.seconds, self._begun, self._last, self._first = seconds, 0.0, 0.0, 0
        self._watched = sys.stdout.isatty()
        if not self._watched:
            self.disable()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Remember when and where training begins."""
        self._begun = self._last = time.monotonic()
        self._first = trainer.global_step
        if self._watched:
            super().on_train_start(trainer, pl_module)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Say where training stands, at most every `seconds`."""
        if self._watched:
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
            return
        now, step, total = time.monotonic(), trainer.global_step, trainer.max_steps
        if now - self._last < self.seconds and step != total:
            return
        self._last = now
        left = (now - self._begun) / max(1, step - self._first) * max(0, total - step)
        metrics = "  ".join(
            f"{name} {float(value):.3f}"
            for name, value in trainer.callback_metrics.items()
            if name in ("train/loss", "val/adapted_rand_error", "val/dice")
        )
        print(f"step {step}/{total}  {metrics}  about {left:.0f} s left", flush=True)
