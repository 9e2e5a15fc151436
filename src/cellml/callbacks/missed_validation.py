"""A validation that was due when a run died is made up for; else its best weights could differ from an uninterrupted run's."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl


class MissedValidation(pl.Callback):
    """Validates before the first step, if training goes on from a step at which it was due and not yet done.

    every: steps between validations. Periodic checkpoints are written before the validation of their step, and Lightning, going on
    from one, would leave it out.
    """

    def __init__(self, every: int) -> None:
        self.every, self.validated = every, 0

    def state_dict(self) -> dict[str, Any]:
        """The step of the last finished validation."""
        return {"validated": self.validated}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the step of the last finished validation."""
        self.validated = int(state_dict["validated"])

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note that this step was looked at."""
        if not trainer.sanity_checking:
            self.validated = trainer.global_step

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Do what was missed, as the training loop would have done it."""
        batches = trainer.global_step * trainer.accumulate_grad_batches
        if not batches or batches % self.every or self.validated == trainer.global_step:
            return
        trainer.validating = True
        trainer.fit_loop.epoch_loop.val_loop.run()
        trainer.training = True
