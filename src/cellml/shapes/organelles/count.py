"""How many organelles a volume holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float64]

_CLEAR = 2.71  # twice the gain in ln likelihood that a second number must bring: 5 % at the edge of its range (Self & Liang 1987)
_UM3 = 1e9  # nm³


@dataclass(frozen=True)
class CountModel:
    """Negative binomial counts with mean μ = density × volume and variance μ + μ² / k; Poisson where k is infinite.

    density: organelles per µm³; dispersion: k, None for Poisson.
    """

    density: float
    dispersion: float | None = None

    def mean(self, volume: float) -> float:
        """Expected number in a volume in nm³."""
        return self.density * volume / _UM3

    def draw(self, volume: float, rng: np.random.Generator) -> int:
        """A number for a volume in nm³: Poisson with a gamma-distributed mean."""
        mean = self.mean(volume)
        if self.dispersion is not None and mean > 0:
            mean = float(rng.gamma(self.dispersion, mean / self.dispersion))
        return int(rng.poisson(mean))

    def log_likelihood(self, counts: NDArray[np.int64], volumes: Floats) -> Floats:
        """The ln probability of each count, (N,)."""
        return _log_probability(np.asarray(counts), self.density * np.asarray(volumes) / _UM3, self.dispersion)


def fit_count(counts: NDArray[np.int64], volumes: Floats) -> CountModel:
    """Maximum likelihood over regions of known volume.

    counts: (N,); volumes: (N,) nm³. The density is Σ counts / Σ volumes (its maximum for Poisson counts, and for negative binomial ones in
    regions of equal size); the dispersion is kept only where it is better than Poisson at 5 %. Raises CellmlError for no region, a volume
    that is not positive, and for regions without any organelle: a density of zero cannot be told from a missing label.
    """
    from scipy.optimize import minimize_scalar

    counts, volumes = np.asarray(counts, np.int64), np.asarray(volumes, float)
    if not len(counts) or len(counts) != len(volumes) or not (volumes > 0).all() or (counts < 0).any():
        raise CellmlError(
            f"Counting needs regions with a positive volume and a count each, got {len(counts)} counts and {len(volumes)} volumes."
        )
    if counts.sum() == 0:
        raise CellmlError(f"There is no organelle in {len(counts)} regions; look at the label, or leave this kind out.")
    density = float(counts.sum() / volumes.sum() * _UM3)
    means = density * volumes / _UM3
    poisson = float(_log_probability(counts, means, None).sum())
    if len(counts) < 3:
        return CountModel(density)
    found = minimize_scalar(lambda log_k: -_log_probability(counts, means, float(np.exp(log_k))).sum(), bounds=(-4, 10), method="bounded")
    return CountModel(density, float(np.exp(found.x)) if 2 * (-float(found.fun) - poisson) > _CLEAR else None)


def _log_probability(counts: NDArray[np.int64], means: Floats, k: float | None) -> Floats:
    from scipy.special import gammaln, xlogy

    if k is None:
        return np.asarray(xlogy(counts, means) - means - gammaln(counts + 1))
    return np.asarray(
        gammaln(counts + k) - gammaln(k) - gammaln(counts + 1) + xlogy(counts, means) - counts * np.log(k + means) - k * np.log1p(means / k)
    )
