"""Which shapes to simulate next: rules that choose from candidates what a surrogate would learn most from.

A rule is called with an `Occasion` and returns numbers of candidates, the first choice first. The covariance between two shapes is that of
the members' opinions, damped with the distance of their features: a few members know it badly between far shapes (localisation as in
ensemble Kalman filters, Houtekamer & Mitchell 2001).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.populations.surrogate.ensemble import DeepEnsemble, Floats

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Occasion:
    """surrogate: fitted to what is known; known: (n, K) features of simulated shapes; candidates: (N, K) of those that are not; rng: for
    what is left to chance.
    """

    surrogate: DeepEnsemble
    known: Floats
    candidates: Floats
    rng: np.random.Generator

    def scaled(self, x: Floats) -> Floats:
        """Features on the scales of the candidates, so that a distance of 1 is about a standard deviation of each."""
        spread = self.candidates.std(axis=0)
        return np.asarray((x - self.candidates.mean(axis=0)) / np.where(spread > 1e-12, spread, 1.0) / np.sqrt(x.shape[1]))

    def covariance(self, reach: float = 1.0) -> Floats:
        """Of the candidates' observables, summed over these, (N, N). reach: distance over which it is damped, in typical spreads."""
        opinions = self.surrogate.opinions(self.candidates)
        about = opinions - opinions.mean(axis=0)
        raw = np.einsum("mnt,mkt->nk", about, about) / len(about)
        x = self.scaled(self.candidates)
        square = ((x[:, None] - x[None]) ** 2).sum(axis=2)
        return np.asarray(raw * np.exp(-0.5 * square / reach**2))


Rule = Callable[[Occasion, int], Index]


def at_random(occasion: Occasion, count: int) -> Index:
    """Any of the candidates."""
    return np.asarray(occasion.rng.permutation(len(occasion.candidates))[:count])


def largest_variance(occasion: Occasion, count: int) -> Index:
    """Those on which the members disagree most, summed over the standardised observables."""
    variance = occasion.surrogate.opinions(occasion.candidates).var(axis=0).sum(axis=1)
    return np.argsort(-variance, kind="stable")[:count]


def diverse_variance(occasion: Occasion, count: int) -> Index:
    """The largest variance given those chosen before it: pivots of a Cholesky factorisation of the covariance."""
    covariance, noise = occasion.covariance(), float(occasion.surrogate.noise().sum())
    chosen: list[int] = []
    for _ in range(min(count, len(covariance))):
        left = np.diag(covariance).copy()
        left[chosen] = -np.inf
        chosen.append(int(left.argmax()))
        covariance = _observed(covariance, chosen[-1], noise)
    return np.array(chosen, np.int64)


def expected_error_reduction(occasion: Occasion, count: int) -> Index:
    """What lowers the mean variance over all candidates most, one after the other: the largest Σ_j c_ij² / (c_ii + noise) (Cohn, Ghahramani
    & Jordan 1996).
    """
    covariance, noise = occasion.covariance(), float(occasion.surrogate.noise().sum())
    chosen: list[int] = []
    for _ in range(min(count, len(covariance))):
        gain = (covariance**2).sum(axis=0) / (np.diag(covariance) + noise + 1e-12)
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
        covariance = _observed(covariance, chosen[-1], noise)
    return np.array(chosen, np.int64)


def farthest_first(occasion: Occasion, count: int) -> Index:
    """Each the farthest from all that is known or chosen, by features alone (Gonzalez 1985; core sets: Sener & Savarese 2018)."""
    x, known = occasion.scaled(occasion.candidates), occasion.scaled(occasion.known)
    nearest = np.full(len(x), np.inf) if not len(known) else ((x[:, None] - known[None]) ** 2).sum(axis=2).min(axis=1)
    chosen: list[int] = []
    for _ in range(min(count, len(x))):
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, ((x - x[chosen[-1]]) ** 2).sum(axis=1))
    return np.array(chosen, np.int64)


RULES: tuple[Rule, ...] = (at_random, largest_variance, diverse_variance, expected_error_reduction, farthest_first)


def next_shapes(
    known: Floats, answers: Floats, candidates: Floats, count: int, *, rule: Rule = diverse_variance, seed: int = 0, members: int = 8
) -> Index:
    """Numbers (count,) of the candidates to simulate next, the most wanted first.

    known: (n, K) features of shapes that were simulated, answers: (n, T) their observables, candidates: (N, K) features of those that could
    be; all on scales on which differences count (logarithms of sizes and times: `cellml.populations.scales.Columns`). A fresh ensemble
    is fitted to what is known. Raises CellmlError for fewer candidates than asked for, and see `DeepEnsemble.learn`.
    """
    if not 0 < count <= len(candidates):
        raise CellmlError(f"{count} shapes cannot be chosen from {len(candidates)} candidates.")
    surrogate = DeepEnsemble(known.shape[1], answers.shape[1], members=members, seed=seed).learn(known, answers)
    return rule(Occasion(surrogate, known, candidates, np.random.default_rng(seed)), count)


def _observed(covariance: Floats, one: int, noise: float) -> Floats:
    """The covariance once a shape's observables are known up to noise."""
    column = covariance[:, one]
    return np.asarray(covariance - np.outer(column, column) / (column[one] + noise + 1e-12))
