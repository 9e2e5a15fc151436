"""Adversarial training that has gone wrong is stopped with the reason, instead of running on for hours."""

from __future__ import annotations

import math
from typing import Any

import pytorch_lightning as pl

from cellml.errors import CellmlError

_REMEDIES = {
    "flat": "the generator collapsed to a nearly constant answer: give the critic less weight (weight of task.opponent), or begin later",
    "same": "the generator collapsed to one answer whatever it is shown: give the truth more weight beside the critic, or begin later",
    "alike": "the generator collapsed to few answers, which differ from each other far less than the truth does: lower the learning "
    "rates, slow the generator beside its critic (task.opponent.rounds), or take larger batches",
    "run away": "the critic's scores run away: penalise it more (penalty of its loss), keep its spectral norm, or lower its learning rate",
    "steep": "the generator's gradient explodes: lower task.optimizer.lr or the critic's weight",
}


class AdversarialWatch(pl.Callback):
    """Stops a task that notes its `health` (`cellml.tasks.adversarial.Health`) where a sign of trouble lasts.

    patience: steps in a row; least_spread: of answers, as a share of the truth's deviation; most_sameness: correlation of answers to
    different inputs; least_variety: of the answers of a batch, as a share of the truth's; largest_distance: of the critic's scores;
    steepest: norm of the generator's gradient before clipping. NaN or infinite numbers and weights stop at once. Raises CellmlError with
    sign, numbers and remedy; the last checkpoint stays.
    """

    def __init__(
        self,
        patience: int = 50,
        least_spread: float = 0.05,
        most_sameness: float = 0.98,
        largest_distance: float = 1e4,
        steepest: float = 1e5,
        least_variety: float = 0.05,
    ) -> None:
        self.patience, self.least_spread, self.most_sameness = patience, least_spread, most_sameness
        self.largest_distance, self.steepest, self.least_variety = largest_distance, steepest, least_variety
        self.counts = dict.fromkeys(_REMEDIES, 0)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Look at the step's numbers."""
        numbers: dict[str, float] = pl_module.health.numbers
        bad = [name for name, value in numbers.items() if not math.isfinite(value)]
        bad += [name for name, parameter in pl_module.named_parameters() if not bool(parameter.detach().sum().isfinite())][:3]
        if bad:
            raise CellmlError(
                f"Step {trainer.global_step}: {', '.join(bad)} became NaN or infinite, so adversarial training was stopped. Lower the "
                "learning rates, or use training.precision=32-true. The last checkpoint holds the state before."
            )
        signs = {
            "flat": numbers["spread"] < self.least_spread,
            "same": numbers["sameness"] > self.most_sameness,
            "alike": numbers["variety"] < self.least_variety,
            "run away": abs(numbers["distance"]) > self.largest_distance,
            "steep": numbers["slope"] > self.steepest,
        }
        for sign, seen in signs.items():
            self.counts[sign] = self.counts[sign] + 1 if seen else 0
            if self.counts[sign] >= self.patience:
                raise CellmlError(
                    f"Step {trainer.global_step}: adversarial training was stopped, for {self.patience} steps in a row {_REMEDIES[sign]}. "
                    f"Now: {', '.join(f'{name} {value:.3g}' for name, value in numbers.items())}."
                )
