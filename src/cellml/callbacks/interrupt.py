"""Ctrl-C, a cluster's warning or SIGTERM during training: the step is finished and its position kept."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import pytorch_lightning as pl

from cellml.preemption import REQUEUE_SIGNALS, ask_for_another_start
from cellml.termination import Terminated

_WORDS = {signal.SIGINT: "Ctrl-C again stops at once", signal.SIGTERM: "another SIGTERM stops at once"}


class KeepPosition(pl.Callback):
    """The first signal lets the running step end, writes `checkpoint` and stops; a second Ctrl-C or SIGTERM stops at once.

    Without it an interrupted run would lose all steps since the last periodic checkpoint. After SIGUSR1 or SIGUSR2 the job is queued
    again (`stop`). Several processes agree on the step at which they stop; Ctrl-C, which a terminal sends to each of them, is left to
    the periodic checkpoints there.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint = checkpoint
        self.received: set[int] = set()
        self._before: dict[int, Any] = {}
        self._taken: set[int] = set()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the signals over."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (*((signal.SIGINT,) if trainer.world_size == 1 else ()), signal.SIGTERM, *REQUEUE_SIGNALS):
            self._before[number] = signal.signal(number, self._note)
            self._taken.add(number)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Keep the position and stop, if asked to and an optimiser step is complete."""
        complete = (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        # From the last step nothing goes on that could make up for the validation after it.
        if not complete or trainer.global_step == trainer.max_steps or not self._asked(trainer):
            return
        trainer.save_checkpoint(self.checkpoint)
        raise KeyboardInterrupt

    def on_validation_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Stop between validation blocks; the position is the last periodic checkpoint's, from which validation is made up for."""
        if self._asked(trainer) and trainer.world_size == 1:
            raise KeyboardInterrupt

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Give the signals back, before Lightning gives back those that it had taken earlier."""
        self._give_back()

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Give the signals back where training never began or ended."""
        self._give_back()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Give the signals back; Lightning tears no callback down after an error."""
        self._give_back()

    def stop(self) -> NoReturn:
        """End the run as the signal wants it, once training has been torn down.

        SIGUSR1 and SIGUSR2 have the job queued again. Raises Terminated, or KeyboardInterrupt after Ctrl-C.
        """
        for number in REQUEUE_SIGNALS:
            if number in self.received:
                ask_for_another_start(number, self._before.get(number))
        if self.received <= {signal.SIGINT}:
            raise KeyboardInterrupt
        raise Terminated

    def _give_back(self) -> None:
        for number in self._taken:
            signal.signal(number, self._before[number])
        self._taken = set()

    def _asked(self, trainer: pl.Trainer) -> bool:
        if trainer.world_size == 1:
            return bool(self.received)
        return bool(trainer.strategy.reduce_boolean_decision(bool(self.received), all=False))

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number in self.received and number in _WORDS:
            raise KeyboardInterrupt
        self.received.add(number)
        more = _WORDS.get(signal.Signals(number), "the job is queued again")
        print(f"\ncellml: stopping after this step, and keeping its position ({more})", file=sys.stderr, flush=True)
