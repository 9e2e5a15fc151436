"""Logistic placement with terms of position and direction, CellOrganizer's model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.organelles.placement import Examples

Floats = NDArray[np.float64]

_RIDGE = 1e-3


@dataclass(frozen=True, eq=False)
class LogisticPlacement:
    """q = 1 / (1 + exp(−β·f)), f = (1, u, u², n_x, n_y, n_z).

    The position model of Zhao & Murphy (Cytometry A 71:978, 2007) and its form in three dimensions (Peng & Murphy, Cytometry A 79:383,
    2011): their normalised distance between nucleus and membrane is the harmonic coordinate here, and sines and cosines of the angles are
    the direction. coefficients: (6,).
    """

    coefficients: Floats

    def log_weight(self, harmonic: Floats, direction: Floats, size: Floats) -> Floats:
        """The ln q, (N,)."""
        return -np.logaddexp(0.0, -_features(harmonic, direction) @ self.coefficients)


def fit_logistic(examples: Examples) -> LogisticPlacement:
    """The coefficients of largest likelihood, Σ ln q(c_n) − ln mean_s q(c_ns), with a slight ridge that holds the constant (which the
    likelihood does not know where q is small).

    Raises CellmlError for fewer than seven organelles: the model has six numbers.
    """
    from scipy.optimize import minimize

    if len(examples) < 7:
        raise CellmlError(f"A logistic placement has six numbers and needs more organelles than {len(examples)}; add examples.")
    at = _features(examples.harmonic, examples.direction)
    free = _features(examples.free_harmonic.ravel(), examples.free_direction.reshape(-1, 3)).reshape(*examples.free_harmonic.shape, 6)

    def loss(b: Floats) -> tuple[float, Floats]:
        here, there = at @ b, free @ b
        log_free = -np.logaddexp(0.0, -there)
        top = log_free.max(axis=1, keepdims=True)
        share = np.exp(log_free - top)
        value = (-np.logaddexp(0.0, -here) - top[:, 0] - np.log(share.mean(axis=1))).mean()
        share = share / share.sum(axis=1, keepdims=True) / (1 + np.exp(there))  # d ln σ(t) / dt = σ(−t)
        slope = (at / (1 + np.exp(here))[:, None]).mean(axis=0) - np.einsum("ns,nsk->k", share, free) / len(at)
        return float(-value + _RIDGE * (b**2).sum()), -slope + 2 * _RIDGE * b

    found = minimize(loss, np.zeros(6), jac=True, method="L-BFGS-B", bounds=[(-30, 30)] * 6)
    return LogisticPlacement(np.asarray(found.x))


def _features(harmonic: Floats, direction: Floats) -> Floats:
    return np.column_stack([np.ones(len(harmonic)), harmonic, harmonic**2, direction])
