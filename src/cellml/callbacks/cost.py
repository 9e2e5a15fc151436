"""What a training cost: seconds and, where the machine has meters, energy; counted on when it is resumed."""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl

from cellml.energy import EnergyMeter

_UPDATE_SECONDS = 60.0


class TrainingCost(pl.Callback):
    """Wall seconds between the begin and the end of fitting, validations included, and joules of `cellml.energy`.

    What a killed run spent after its last checkpoint is lost.
    """

    def __init__(self) -> None:
        self.seconds, self.joules = 0.0, 0.0
        self._begun: float | None = None
        self._meter: EnergyMeter | None = None
        self._updated = 0.0

    def begin(self) -> None:
        """Start counting."""
        self._begun = self._updated = time.monotonic()
        self._meter = EnergyMeter()

    def end(self) -> None:
        """Stop counting."""
        self.seconds, self.joules = self._sums()
        self._begun = None

    def as_dict(self) -> dict[str, Any]:
        """For the checkpoint: seconds, joules (None where nothing measures them), meters, processor, cores and card."""
        from cellml.provenance import machine

        seconds, joules = self._sums()
        meters = [] if self._meter is None else self._meter.names
        return {"seconds": round(seconds, 3), "joules": round(joules, 1) if meters else None, "meters": meters, "machine": machine()}

    def state_dict(self) -> dict[str, Any]:
        """Seconds and joules so far."""
        seconds, joules = self._sums()
        return {"seconds": seconds, "joules": joules}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from an earlier run's sums."""
        self.seconds, self.joules = float(state_dict["seconds"]), float(state_dict["joules"])

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start counting."""
        self.begin()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Read the meters before they wrap."""
        now = time.monotonic()
        if self._meter is not None and self._meter.counters and now - self._updated > _UPDATE_SECONDS:
            self._meter.update()
            self._updated = now

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop counting."""
        self.end()

    def _sums(self) -> tuple[float, float]:
        if self._begun is None:
            return self.seconds, self.joules
        assert self._meter is not None
        return self.seconds + time.monotonic() - self._begun, self.joules + self._meter.update()


def cost_of(trainer: Any) -> TrainingCost:
    """The trainer's own; one that has counted nothing where there is none."""
    found = [one for one in getattr(trainer, "callbacks", ()) if isinstance(one, TrainingCost)]
    return found[0] if found else TrainingCost()
