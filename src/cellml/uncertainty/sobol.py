"""Sobol indices: how much of the variance of an answer each input explains, by itself and with all its interactions.

For Y = f(X_1 … X_k) with independent inputs, S_i = Var E[Y | X_i] / Var Y is the first-order index of input i, and
T_i = E Var[Y | all but X_i] / Var Y its total index (Sobol 1993; Homma and Saltelli 1996). S_i ≤ T_i, and Σ S_i ≤ 1 ≤ Σ T_i.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Index:
    """Indices of one input, each with the ends of its interval. total is NaN where a design cannot tell it."""

    name: str
    first: float
    first_low: float
    first_high: float
    total: float
    total_low: float
    total_high: float


@dataclass(frozen=True, eq=False)
class Design:
    """Points in the unit cube at which a function is evaluated: A and B, (N, k), and for each input i A with column i of B, (k, N, k)."""

    first: Floats
    second: Floats
    mixed: Floats

    @property
    def points(self) -> Floats:
        """All N (k + 2) points, (N (k + 2), k): A, B, then the mixed ones by input."""
        return np.concatenate([self.first, self.second, self.mixed.reshape(-1, self.first.shape[1])])


def saltelli_design(inputs: int, size: int, seed: int = 0) -> Design:
    """Saltelli's design from a scrambled Sobol' sequence (Saltelli et al. 2010, doi:10.1016/j.cpc.2009.09.018).

    size: N, a power of 2 keeps the sequence balanced. Raises CellmlError for no input or fewer than 8 points.
    """
    from scipy.stats import qmc

    if inputs < 1 or size < 8:
        raise CellmlError(f"A design needs at least 1 input and 8 points, got inputs={inputs} and size={size}.")
    power = int(np.ceil(np.log2(size)))
    drawn = qmc.Sobol(2 * inputs, scramble=True, seed=seed).random_base2(power)[:size]
    first, second = drawn[:, :inputs], drawn[:, inputs:]
    mixed = np.repeat(first[None], inputs, axis=0)
    for i in range(inputs):
        mixed[i, :, i] = second[:, i]
    return Design(first, second, mixed)


def sobol_indices(
    function: Callable[[Floats], Floats], names: Sequence[str], size: int = 1024, *, level: float = 0.9, draws: int = 500, seed: int = 0
) -> list[Index]:
    """First-order and total indices of a vectorised function of the unit cube, (P, k) → (P,), with bootstrap intervals.

    S_i = mean f_B (f_i − f_A) / V (Saltelli et al. 2010, table 2b) and T_i = mean (f_A − f_i)² / 2V (Jansen 1999), with f_i at the points
    of A whose column i is B's and V the variance over A and B. size (k + 2) evaluations; intervals: percentiles over `draws` resamples of
    the N rows. Raises CellmlError for answers that are not finite or do not vary.
    """
    design = saltelli_design(len(names), size, seed)
    answers = np.asarray(function(design.points), np.float64).reshape(len(names) + 2, size)
    if not np.isfinite(answers).all():
        raise CellmlError(f"{(~np.isfinite(answers)).sum()} of {answers.size} answers are not finite; indices need all of them.")
    if answers[:2].var() <= 1e-24 * max(1.0, float(np.abs(answers).max()) ** 2):
        raise CellmlError("The answer does not vary with its inputs, so that there is no variance to divide.")
    rng = np.random.default_rng([seed, 1])
    found = np.array([_indices(answers[:, rng.integers(size, size=size)]) for _ in range(draws)])
    low, high = np.percentile(found, (50 * (1 - level), 50 * (1 + level)), axis=0)
    first, total = _indices(answers)
    return [
        Index(name, float(first[i]), float(low[0, i]), float(high[0, i]), float(total[i]), float(low[1, i]), float(high[1, i]))
        for i, name in enumerate(names)
    ]


def _indices(answers: Floats) -> Floats:
    """(2, k): first-order and total; answers: (k + 2, N) at A, B and the mixed points, centred first, which changes no index."""
    a, b, mixed = answers[0], answers[1], answers[2:]
    centre = answers[:2].mean()
    variance = answers[:2].var()
    return np.stack([((b - centre) * (mixed - a)).mean(axis=1), 0.5 * ((a - mixed) ** 2).mean(axis=1)]) / variance
