"""Temperature and a bias for each channel: for networks whose loss balanced the classes, and which therefore see rare ones too often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_EDGE = 1e-7


def fit_bias(
    probabilities: NDArray[Any], truth: NDArray[Any], known: NDArray[np.bool_], *, exclusive: bool
) -> tuple[float, tuple[float, ...]]:
    """The temperature T and biases b (nat) of greatest likelihood for logits z_k/T + b_k (Platt 1999; "vector scaling" with one slope).

    probabilities, truth, known: (K, N), the truth one-hot for exclusive classes (whose first bias is then 0), else 0 or 1 in each channel.
    """
    from scipy.optimize import minimize

    inner = np.clip(np.asarray(probabilities, np.float64), _EDGE, 1 - _EDGE)
    logits = np.log(inner) if exclusive else np.log(inner) - np.log1p(-inner)
    problem = _Problem(logits, np.asarray(truth, np.float64), np.asarray(known, np.float64), exclusive)
    start = np.zeros(len(problem.logits) + 1)
    start[0] = 1.0
    bounds = [(0.1, 10.0), *([(0.0, 0.0)] if exclusive else [(-10.0, 10.0)]), *[(-10.0, 10.0)] * (len(problem.logits) - 1)]
    best = minimize(problem, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return float(1 / best[0]), tuple(float(b) for b in best[1:])


@dataclass(frozen=True)
class _Problem:
    """Mean −ln p(truth) and its gradient in (1/T, b_1 … b_K)."""

    logits: NDArray[np.float64]
    truth: NDArray[np.float64]
    known: NDArray[np.float64]
    exclusive: bool

    def __call__(self, parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = parameters[0] * self.logits + parameters[1:, None]
        normaliser = np.logaddexp.reduce(z, axis=0)[None] if self.exclusive else np.logaddexp(0, z)
        weight = self.known[:1] if self.exclusive else self.known
        total = float(max(1.0, weight.sum()))
        loss = float((weight * normaliser).sum() - (weight * z * self.truth).sum()) / total
        answer = np.exp(z - normaliser) if self.exclusive else 1 / (1 + np.exp(-z))
        slope = weight * (answer - self.truth) / total
        return loss, np.array([(slope * self.logits).sum(), *slope.sum(axis=1)])


def shifted(probabilities: NDArray[np.float32], temperature: float, bias: Sequence[float], *, exclusive: bool) -> NDArray[np.float32]:
    """Probabilities (K, …) with logits z_k/T + b_k."""
    inner = np.clip(np.asarray(probabilities, np.float64), _EDGE, 1 - _EDGE)
    add = np.asarray(bias, np.float64).reshape(-1, *[1] * (inner.ndim - 1))
    if exclusive:
        z = np.log(inner) / temperature + add
        powers = np.exp(z - z.max(axis=0, keepdims=True))
        return np.asarray(powers / powers.sum(axis=0, keepdims=True), np.float32)
    z = (np.log(inner) - np.log1p(-inner)) / temperature + add
    return np.asarray(1 / (1 + np.exp(-z)), np.float32)
