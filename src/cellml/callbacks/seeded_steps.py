"""Dropout and other draws from torch's global generator as a function of the step, so that resuming is exact for them too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch


class SeededSteps(pl.Callback):
    """Seeds torch's generators before every training batch by (seed, process, optimiser step, batch within the step).

    The position in a generator's stream is no part of a checkpoint, and with several processes could not be; the step is.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int) -> None:
        """Begin the step's own stream."""
        place = (self.seed, trainer.global_rank, trainer.global_step, batch_idx % trainer.accumulate_grad_batches)
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0]))
