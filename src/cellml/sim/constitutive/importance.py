"""A posterior by weighted draws, for few parameters whose likelihood bends: adaptive multiple importance sampling.

Each round draws from a Student distribution (4 degrees of freedom) about the weighted mean of all draws so far, with their covariance; each
draw counts by posterior over the mixture of all rounds' densities (Cornuet, Marin, Mira & Robert 2012). Directions that the data leave open
are sampled as far as the prior lets them, which no expansion about the maximum does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.sim.errors import SimulationError

Floats = NDArray[np.float64]
_FREEDOM = 4.0
# Below so many independent draws the 5 and 95 % quantiles are guesses.
FEWEST = 20.0


@dataclass(frozen=True, eq=False)
class Draws:
    """Weighted draws. z: (n, p); weights: (n,), whose sum is 1."""

    z: Floats
    weights: Floats

    @property
    def effective(self) -> float:
        """How many equal draws these are worth, 1/Σ w² (Kong 1992)."""
        return float(1.0 / np.sum(self.weights**2))

    def quantiles(self, values: Floats, at: tuple[float, ...]) -> Floats:
        """Weighted quantiles (len(at), m) of the values (n, m) of the draws."""
        found = []
        for column in np.asarray(values).T:
            order = np.argsort(column)
            cumulative = np.cumsum(self.weights[order]) - 0.5 * self.weights[order]
            found.append(np.interp(at, cumulative, column[order]))
        return np.array(found).T


def importance_draws(
    log_posterior: Callable[[Floats], float],
    best: Floats,
    covariance: Floats,
    *,
    draws: int = 80,
    rounds: int = 6,
    enough: float = 80.0,
    seed: int = 0,
) -> Draws:
    """Draw from a posterior, known up to a constant, about its maximum `best` (p,) with Laplace's covariance (p, p).

    log_posterior: −∞ where it cannot be evaluated; draws: of each round; enough: rounds end when the draws are worth so many independent
    ones, after two at least. Raises SimulationError if they are worth fewer than 20 at the end.
    """
    rng = np.random.default_rng(seed)
    centres, factors, found, posterior = [best], [_factor(covariance)], [], []
    for number in range(rounds):
        found.append(_student(rng, centres[-1], factors[-1], draws))
        posterior += [log_posterior(z) for z in found[-1]]
        z, heights = np.concatenate(found), np.array(posterior)
        mixture = np.logaddexp.reduce([_log_density(z, c, f) for c, f in zip(centres, factors, strict=True)], axis=0)
        weighted = Draws(z, _normalised(heights - mixture))
        if number and weighted.effective >= enough:
            break
        spread = _flattened(heights - mixture, 5.0 * len(best))
        centres.append(spread @ z)
        factors.append(_factor((spread * (z - centres[-1]).T) @ (z - centres[-1]) + 1e-6 * covariance))
    if weighted.effective < FEWEST:
        raise SimulationError(
            f"{len(z)} draws of the posterior are worth {weighted.effective:.0f}, and {FEWEST:.0f} are needed for an interval; "
            "take more `draws`, a narrower prior, or measure under another loading."
        )
    return weighted


def _factor(covariance: Floats) -> Floats:
    return np.asarray(np.linalg.cholesky(covariance), np.float64)


def _student(rng: np.random.Generator, centre: Floats, factor: Floats, count: int) -> Floats:
    normal = rng.standard_normal((count, len(centre))) @ factor.T
    return np.asarray(centre + normal / np.sqrt(rng.chisquare(_FREEDOM, (count, 1)) / _FREEDOM))


def _log_density(z: Floats, centre: Floats, factor: Floats) -> Floats:
    """Ln density (n,) of a Student distribution, without the constants that all rounds share."""
    scaled = np.linalg.solve(factor, (z - centre).T)
    p = len(centre)
    return np.asarray(-np.log(np.diag(factor)).sum() - 0.5 * (_FREEDOM + p) * np.log1p((scaled**2).sum(axis=0) / _FREEDOM))


def _flattened(logarithms: Floats, least: float) -> Floats:
    """Weights to the largest power ≤ 1 with which so many draws count: a few heavy ones would shrink the next round to themselves."""
    for power in (1.0, 0.7, 0.5, 0.3, 0.2):
        weights = _normalised(power * logarithms)
        if 1.0 / np.sum(weights**2) >= least:
            break
    return weights


def _normalised(logarithms: Floats) -> Floats:
    weights = np.exp(logarithms - logarithms.max())
    return np.asarray(weights / weights.sum())
