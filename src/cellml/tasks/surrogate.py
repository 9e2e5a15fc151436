"""The task of surrogates: what a simulation would answer, with intervals that are judged on held-out groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytorch_lightning as pl
from torch import Tensor

from cellml.errors import CellmlError
from cellml.nets.surrogate import Floats, SurrogateNet
from cellml.populations.surrogate.conformal import coverage
from cellml.tasks.table_target import TableTarget


class SurrogateTask(pl.LightningModule):
    """A `SurrogateNet` on the data of `cellml.data.population_module`, fitted by `cellml train` in one go.

    target: names of the observables, the net's. Validation logs `val/loss` (root mean square error over observables, in standard deviations
    of the held-out shapes, on the scales of the ensemble), `val/error_<observable>`, and of the intervals `val/coverage` (share of held-out
    values inside; the level is what it should be) and `val/half_width` (mean, in those standard deviations).
    """

    decoder = None
    decoder_grid: dict[str, Any] = {}  # noqa: RUF012  numbers have nothing to decode

    def __init__(self, net: SurrogateNet, target: TableTarget) -> None:
        super().__init__()
        if net.observables != target.outputs:
            raise CellmlError(f"The network predicts {net.observables} and the target names {target.outputs}; give both the same.")
        self.net, self.target = net, target

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Any]:
        """Predict the held-out shapes, and judge; returns {"outputs": (N, T), "low", "high"}."""
        truth = np.asarray(batch["labels"], np.float64)
        value, low, high = self.net.predict(np.asarray(batch["image"], np.float64))
        logs = self.net.y_log.numpy()
        on = [np.where(logs, np.log(np.where(logs, np.maximum(one, 1e-300), 1.0)), one) for one in (truth, value, low, high)]
        spread = np.maximum(on[0].std(axis=0), 1e-30)
        errors = np.sqrt(((on[1] - on[0]) ** 2).mean(axis=0)) / spread
        inside = coverage(on[0], (on[2] + on[3]) / 2, (on[3] - on[2]) / 2)
        self.log("val/loss", float(np.sqrt((errors**2).mean())), batch_size=1, prog_bar=True)
        self.log("val/coverage", float(inside.mean()), batch_size=1)
        self.log("val/half_width", float(((on[3] - on[2]) / 2 / spread).mean()), batch_size=1)
        self.log_dict({f"val/error_{name}": float(one) for name, one in zip(self.target.outputs, errors, strict=True)}, batch_size=1)
        return {"outputs": value, "low": low, "high": high}

    def prediction_state(self) -> dict[str, Tensor]:
        """What a checkpoint holds."""
        return self.state_dict()

    def predict(self, features: Floats) -> tuple[Floats, Floats, Floats]:
        """Observables (N, T) of features (N, K) in the units of the table, and the ends of their intervals."""
        return self.net.predict(features)
