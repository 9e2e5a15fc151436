"""How rare a shape is: the share of all shapes that are less likely, calibrated on shapes that were not learned from.

A density alone does not say it: log p = −12 may be usual or extreme. The share of a model's own draws with a lower density does (it is one
minus the content of the highest-density region that the shape lies on the border of; Hyndman 1996). Whether it is true of real shapes is
seen on held-out ones, for which it must be uniform between 0 and 1; where it is not, a curve turns it into what is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float64]

_TAIL = 200  # draws of lowest density, from which those beyond all draws are extrapolated
_EDGE = 1e-12
LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True, eq=False)
class Levels:
    """Natural logarithms of the density at draws of the model itself, sorted, (M,)."""

    draws: Floats

    @classmethod
    def of(cls, log_densities: Floats) -> Levels:
        """From log densities at draws. Raises CellmlError for fewer than 1000, or values that are not finite."""
        if len(log_densities) < 1000 or not np.isfinite(log_densities).all():
            raise CellmlError(f"Levels of a density need 1000 finite draws or more, got {int(np.isfinite(log_densities).sum())}.")
        return cls(np.sort(np.asarray(log_densities, np.float64)))

    def rarity(self, log_density: Floats) -> Floats:
        """Share of draws that are less likely, (N,), in (0, 1].

        Below the density l₀ of the 200th lowest draw the share is P₀ exp(−(l₀ − l)/m), with P₀ the share below l₀ and m the mean excess
        there: peaks of −log p over a threshold, which fall off nearly exponentially for Gaussians and their mixtures.
        """
        wanted = np.asarray(log_density, np.float64)
        below = (np.searchsorted(self.draws, wanted, side="right") + 0.5) / (len(self.draws) + 1)
        share, start, excess = self._tail()
        return np.asarray(np.where(wanted < start, share * np.exp((wanted - start) / excess), np.minimum(below, 1.0)))

    def level(self, rarity: float) -> float:
        """The log density below which a share `rarity` of draws lies."""
        share, start, excess = self._tail()
        return start + excess * float(np.log(rarity / share)) if rarity < share else float(np.quantile(self.draws, rarity))

    def _tail(self) -> tuple[float, float, float]:
        """Share of the draws in the tail, the density at which it begins, and the mean excess in it."""
        start = float(self.draws[_TAIL])
        return _TAIL / len(self.draws), start, float(max((start - self.draws[:_TAIL]).mean(), 1e-9))


@dataclass(frozen=True)
class Calibration:
    """The curve I_x(a, b), the distribution function of Beta(a, b), from the model's rarity to that among real shapes.

    a = b = 1 changes nothing; a < 1: real shapes lie in the model's tails more often than it says (Kull, Silva Filho & Flach 2017 calibrate
    probabilities so).
    """

    a: float = 1.0
    b: float = 1.0

    @classmethod
    def fit(cls, rarities: Floats) -> Calibration:
        """By maximum likelihood from the rarities of held-out shapes, (N,); no change for fewer than 20 of them."""
        from scipy.stats import beta

        if len(rarities) < 20:
            return cls()
        a, b, _, _ = beta.fit(np.clip(rarities, _EDGE, 1 - 1e-6), floc=0, fscale=1)
        return cls(float(a), float(b))

    def calibrated(self, rarity: Floats) -> Floats:
        """The share of real shapes that are less likely, (N,)."""
        from scipy.special import betainc

        return np.asarray(betainc(self.a, self.b, np.clip(rarity, 0.0, 1.0)))

    def raw(self, rarity: float) -> float:
        """The model's own rarity of what is so rare among real shapes. Raises CellmlError for a share that is not between 0 and 1."""
        from scipy.special import betaincinv

        if not 0 < rarity < 1:
            raise CellmlError(f"rarity={rarity} must lie between 0 and 1: 0.001 is one in a thousand, 0.5 a usual shape.")
        return float(betaincinv(self.a, self.b, rarity))


def uniformity(rarities: Floats, groups: Sequence[str], seed: int = 0) -> dict[str, float]:
    """How near the rarities of held-out shapes are to uniform: probability integral transform.

    Kolmogorov's distance `ks`, with the 95 % limit of a bootstrap over groups in which a uniform variable would stay (`ks_limit`: the 95th
    percentile of the distance between resampled and observed), and `coverage_…`, the share of shapes inside the highest-density region
    that should hold 50, 80, 90, 95 and 99 %.
    """
    found = np.asarray(rarities, np.float64)
    scores = {f"coverage_{100 * level:g}": float((found >= 1 - level).mean()) for level in LEVELS}
    members = [np.flatnonzero(np.asarray(groups) == group) for group in sorted(set(groups))]
    random = np.random.default_rng(seed)
    apart = []
    for _ in range(200):
        drawn = np.concatenate([members[i] for i in random.integers(len(members), size=len(members))])
        apart.append(_distance(found[drawn], found))
    return {"ks": _distance(found, None), "ks_limit": float(np.percentile(apart, 95)), **scores}


def cross_calibrated(rarities: Floats, groups: Sequence[str]) -> Floats:
    """Each shape's rarity by a calibration fitted to the shapes of all other groups, (N,)."""
    found, names = np.asarray(rarities, np.float64), np.asarray(groups)
    calibrated = np.empty_like(found)
    for group in sorted(set(groups)):
        own = names == group
        calibrated[own] = Calibration.fit(found[~own]).calibrated(found[own])
    return calibrated


def _distance(sample: Floats, other: Floats | None) -> float:
    """Largest distance between the distribution functions of a sample and of the uniform variable, or of another sample."""
    at = np.sort(sample if other is None else np.concatenate([sample, other]))
    share = np.searchsorted(np.sort(sample), at, side="right") / len(sample)
    if other is not None:
        return float(np.abs(share - np.searchsorted(np.sort(other), at, side="right") / len(other)).max())
    return float(max(np.abs(share - at).max(), np.abs(share - 1 / len(sample) - at).max()))
