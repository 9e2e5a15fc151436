"""A surrogate of a simulation: features of a shape in, observables with calibrated intervals out; fitted at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cellml.data.labelled_mesh import folds_by_group
from cellml.errors import CellmlError
from cellml.populations.scales import Columns
from cellml.populations.surrogate.conformal import conformal_factor
from cellml.populations.surrogate.ensemble import DeepEnsemble, out_of_fold

Floats = NDArray[np.float64]


class SurrogateNet(nn.Module):
    """A `DeepEnsemble` on the scales of its columns, with conformal intervals from groups that were left out in turn.

    features, observables: names of columns, in the order of the data; members, width, steps, rate, anchor: of the ensemble; level: of the
    intervals; folds: of the training groups, for the residuals behind them; seed: of the beginnings. Where a column spans more than a
    factor of three its logarithm is taken, told from the training shapes.
    """

    x_log: Tensor
    y_log: Tensor
    factor: Tensor

    def __init__(
        self,
        features: Sequence[str],
        observables: Sequence[str],
        members: int = 8,
        width: int = 32,
        steps: int = 300,
        rate: float = 0.01,
        anchor: float = 0.1,
        level: float = 0.9,
        folds: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.features, self.observables = [str(f) for f in features], [str(o) for o in observables]
        self.level, self.folds, self.in_channels = level, folds, len(self.features)
        self.ensemble = DeepEnsemble(len(self.features), len(self.observables), members, width, steps, rate, anchor, seed)
        for name, count in (("x_log", len(self.features)), ("y_log", len(self.observables))):
            self.register_buffer(name, torch.zeros(count, dtype=torch.bool))
        self.register_buffer("factor", torch.ones(len(self.observables), dtype=torch.float64))

    def fit(self, data: Any, target: Any) -> dict[str, float]:
        """Fit to the training block of a `PopulationDataModule`, and calibrate; returns numbers for the log.

        The intervals' factor comes from ensembles that were fitted without a fold of whole groups (cross-conformal prediction, Vovk 2015);
        the ensemble that stays has seen all training shapes. Raises CellmlError where too few shapes are left out for the level.
        """
        (block,) = data.training_blocks
        for buffer, values in ((self.x_log, block.inputs), (self.y_log, block.outputs)):
            buffer.copy_(torch.from_numpy(_logarithmic(values)))
        x, y = self.scaled(block.inputs), _scaled(block.outputs, self.y_log)
        folds = folds_by_group(list(block.groups), min(self.folds, len(set(block.groups))))
        mean, spread = out_of_fold(self.ensemble, x, y, folds)
        self.factor.copy_(torch.from_numpy(conformal_factor(y - mean, spread, self.level)))
        self.ensemble.learn(x, y)
        error = np.sqrt(((y - mean) ** 2).mean(axis=0)) / y.std(axis=0)
        return {f"left_out_error_{name}": float(one) for name, one in zip(self.observables, error, strict=True)}

    def scaled(self, features: Floats) -> Floats:
        """Features (N, K) as the ensemble takes them. Raises CellmlError where one that is taken as a logarithm is not positive."""
        x = np.asarray(features, np.float64)
        wrong = [name for name, log, column in zip(self.features, self.x_log.tolist(), x.T, strict=True) if log and (column <= 0).any()]
        if wrong:
            raise CellmlError(
                f"{wrong[0]} was positive in all shapes that the surrogate learned from, and is not in one that it is asked of."
            )
        return _scaled(x, self.x_log)

    def predict(self, features: Floats) -> tuple[Floats, Floats, Floats]:
        """Observables (N, T) of features (N, K), and the ends of their intervals, in the units of the table."""
        mean, spread = self.ensemble.predict(self.scaled(features))
        half, logs = self.factor.numpy() * spread, self.y_log.numpy()
        value, low, high = (np.where(logs, np.exp(np.where(logs, one, 0.0)), one) for one in (mean, mean - half, mean + half))
        return value, low, high


def _logarithmic(values: Floats) -> NDArray[np.bool_]:
    """Which columns (K,) are taken as logarithms, by the rule of `Columns`; constant ones are not."""
    columns = Columns.of({str(k): column for k, column in enumerate(values.T)})
    found = dict(zip(columns.names, columns.logarithms.tolist(), strict=True))
    return np.array([found.get(str(k), False) for k in range(values.shape[1])])


def _scaled(values: Floats, logarithms: Tensor) -> Floats:
    logs = logarithms.numpy()
    return np.where(logs, np.log(np.where(logs, values, 1.0)), values)
