"""Principal components of shapes with the shrinkage of Ledoit and Wolf, and what is left over as noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Components:
    """x = mean + Σ z_k deviations_k modes_k + ε, ε ~ N(0, noise) across all other directions.

    mean: (D,); modes: (K, D), orthonormal, the largest first; each is turned so that its largest entry is positive; deviations: (K,),
    roots of the shrunk variances; noise: variance of a coefficient in the other D − K directions; shrinkage: α of Ledoit and Wolf, 0 to 1.
    """

    mean: Floats
    modes: Floats
    deviations: Floats
    noise: float
    shrinkage: float

    def codes(self, values: Floats) -> Floats:
        """Coordinates z (N, K) of values (N, D)."""
        return np.asarray((values - self.mean) @ self.modes.T / self.deviations)

    def values(self, codes: Floats) -> Floats:
        """Values (N, D) of coordinates z (N, K)."""
        return np.asarray(self.mean + (codes * self.deviations) @ self.modes)

    def shares(self) -> Floats:
        """Share of the whole variance of each mode, (K,)."""
        variances = self.deviations**2
        return np.asarray(variances / (variances.sum() + self.noise * (len(self.mean) - len(self.modes))))

    def log_noise(self, values: Floats) -> Floats:
        """What the noise and the scales add to the log density of codes to make it one of values (N, D), (N,)."""
        left = values - self.values(self.codes(values))
        others = len(self.mean) - len(self.modes)
        misfit = (left**2).sum(axis=1) / self.noise + others * np.log(2 * np.pi * self.noise)
        return np.asarray(-0.5 * misfit - np.log(self.deviations).sum())


def fit_components(values: Floats, latent: int, shrinkage: float | None = None) -> Components:
    """Components of shapes (N, D), with K = latent modes.

    The covariance is Σ = (1 − α) S + α μ 1 with μ = tr S / D, and α by Ledoit and Wolf (2004, doi:10.1016/S0047-259X(03)00096-4) where
    `shrinkage` is None. Few shapes make the largest variances of a sample too large; this takes them back. Σ has the directions of S, and
    the variance along the modes that are not kept is shared out evenly, as probabilistic principal components do (Tipping and Bishop 1999).

    Raises CellmlError for as many modes as shapes or more, values that are not finite, shapes that are all alike, and an α that is none.
    """
    values = np.asarray(values, np.float64)
    _check(values, latent, shrinkage)
    count, size = values.shape
    mean = values.mean(axis=0)
    _, singular, modes = np.linalg.svd(values - mean, full_matrices=False)
    variances = singular**2 / count
    if variances[latent - 1] <= 1e-12 * max(variances[0], 1e-300):
        raise CellmlError(
            f"The {count} shapes differ in {int((variances > 1e-12 * max(variances[0], 1e-300)).sum())} directions only, fewer than the "
            f"{latent} modes asked for; are some given twice? Take fewer modes."
        )
    alpha = _ledoit_wolf(values) if shrinkage is None else float(shrinkage)
    shared = alpha * variances.sum() / size
    kept = (1 - alpha) * variances[:latent] + shared
    noise = (1 - alpha) * variances[latent:].sum() / (size - latent) + shared if size > latent else 0.0
    return Components(mean, _turned(modes[:latent]), np.sqrt(kept), float(max(noise, 1e-12 * kept[0])), alpha)


def _check(values: Floats, latent: int, shrinkage: float | None) -> None:
    if values.ndim != 2 or not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        raise CellmlError(f"Components need finite values (N, D); these have shape {values.shape} and {bad} values that are not finite.")
    count, size = values.shape
    if not 1 <= latent < min(count, size + 1):
        raise CellmlError(
            f"{latent} modes cannot be told from {count} shapes of {size} coefficients; take 1 to {min(count - 1, size)} "
            "(task.net.latent), or add shapes."
        )
    if shrinkage is not None and not 0 <= shrinkage < 1:
        raise CellmlError(f"shrinkage must lie between 0 (none) and below 1, or be null to be estimated; it is {shrinkage}.")


def _ledoit_wolf(values: Floats) -> float:
    from sklearn.covariance import ledoit_wolf_shrinkage

    return float(min(ledoit_wolf_shrinkage(values), 1 - 1e-9))


def _turned(modes: Floats) -> Floats:
    """Each mode with the sign that makes its largest entry positive, so that two fits of one population agree."""
    largest = np.take_along_axis(modes, np.abs(modes).argmax(axis=1)[:, None], axis=1)
    return np.asarray(modes * np.where(largest < 0, -1.0, 1.0))
