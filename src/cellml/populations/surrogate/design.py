"""Rules that choose by features alone, so that they need no answers and choose the first shapes too."""

from __future__ import annotations

import numpy as np

from cellml.populations.surrogate.ensemble import Floats
from cellml.populations.surrogate.occasion import Index, Occasion, largest_reduction, square_distances

REACH, NOISE = 1.5, 0.1  # of the prior, in standard deviations of the features, and as a share of a smooth answer's variance


def prior_covariance(x: Floats, reach: float = REACH) -> Floats:
    """Of the answers of shapes whose scaled features are x (N, K), before any is known, (N, N): half a linear trend, and a smooth rest.

    k(a, b) = ½ a·b + exp(−|a − b|² / 2 reach²): a Gaussian process about a straight line. Units: a typical variance of the smooth rest.
    """
    return np.asarray(0.5 * x @ x.T + np.exp(-0.5 * square_distances(x, x) / reach**2))


def experimental_design(occasion: Occasion, count: int, weights: Floats | None = None) -> Index:
    """What lowers the mean variance of a Gaussian process over all shapes most, one after the other.

    Transductive experimental design (Yu, Bi & Tresp 2006), with a kernel that does not change: far and odd shapes come early because a
    trend turns about them, frequent kinds as often as their number deserves. weights: of the features in distances and trends, (K,), all 1
    by default.
    """
    known = len(occasion.known)
    x = occasion.scaled(np.concatenate([occasion.known, occasion.candidates]))
    covariance = prior_covariance(x if weights is None else x * weights)
    if known:
        both = covariance[:, :known]
        covariance = covariance - both @ np.linalg.solve(covariance[:known, :known] + NOISE * np.eye(known), both.T)
    return largest_reduction(covariance, NOISE, np.arange(known, len(covariance)), count)


def farthest_first(occasion: Occasion, count: int) -> Index:
    """Each the farthest from all that is known or chosen, the very first from the mean (Gonzalez 1985; Sener & Savarese 2018)."""
    x, known = occasion.scaled(occasion.candidates), occasion.scaled(occasion.known)
    nearest = square_distances(x, known if len(known) else x.mean(axis=0)[None]).min(axis=1)
    chosen: list[int] = []
    for _ in range(min(count, len(x))):
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, square_distances(x, x[chosen[-1:]])[:, 0])
        nearest[chosen] = -np.inf
    return np.array(chosen, np.int64)
