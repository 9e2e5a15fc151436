"""An occasion to choose: what is known, what could be simulated next, and what the surrogate has learned so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.populations.surrogate.ensemble import FEWEST, DeepEnsemble, Floats

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Occasion:
    """surrogate: fitted to what is known, None before there are answers to learn from; known: (n, K) features of simulated shapes;
    candidates: (N, K) of those that are not; rng: for what is left to chance.
    """

    surrogate: DeepEnsemble | None
    known: Floats
    candidates: Floats
    rng: np.random.Generator

    def learned(self) -> DeepEnsemble:
        """The surrogate. Raises CellmlError where there is none yet."""
        if self.surrogate is None:
            raise CellmlError(
                f"This rule asks a surrogate, which needs {FEWEST} simulated shapes, and there are {len(self.known)}; choose the first "
                "ones by experimental_design, farthest_first or at_random."
            )
        return self.surrogate

    def scaled(self, x: Floats) -> Floats:
        """Features on the scales of all shapes, known or not, so that a distance of 1 is about a standard deviation of each."""
        every = np.concatenate([self.known, self.candidates])
        spread = every.std(axis=0)
        return np.asarray((x - every.mean(axis=0)) / np.where(spread > 1e-12, spread, 1.0) / np.sqrt(x.shape[1]))


Rule = Callable[[Occasion, int], Index]


def square_distances(x: Floats, y: Floats) -> Floats:
    """Between the rows of x (N, K) and of y (M, K), (N, M)."""
    return np.asarray(np.maximum((x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1) - 2 * x @ y.T, 0.0))


def observed(covariance: Floats, one: int, noise: float) -> Floats:
    """A covariance (N, N) once the answer of one shape is known up to a noise of this variance."""
    column = covariance[:, one]
    return np.asarray(covariance - np.outer(column, column) / (column[one] + noise + 1e-12))


def largest_reduction(covariance: Floats, noise: float, candidates: Index, count: int) -> Index:
    """What lowers the sum of all variances most, one after the other: the largest Σ_j c_ij² / (c_ii + noise).

    covariance: (N, N) of the answers of all shapes that count; candidates: rows that may be chosen. Returns places in `candidates`.
    """
    chosen: list[int] = []
    for _ in range(min(count, len(candidates))):
        columns = covariance[:, candidates]
        gain = (columns**2).sum(axis=0) / (np.diag(covariance)[candidates] + noise + 1e-12)
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
        covariance = observed(covariance, int(candidates[chosen[-1]]), noise)
    return np.array(chosen, np.int64)
