"""Noise of projections: counted electrons, a slab that is thicker the more it is tilted, and Gaussian noise of a given SNR."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.imaging.frame import require_range
from cellml.tomography.beer_lambert import expected_counts, line_integrals
from cellml.types import TiltSeries

_STEEPEST = 85.0  # degrees; at 90° a slab has no end


@dataclass(frozen=True)
class Slab:
    """The medium that holds the specimen: thickness_nm at 0°, and mean_free_path_nm after which 1/e of the electrons are left unscattered
    (about 200 nm for 200 kV electrons in plastic or ice, 300 nm at 300 kV).
    """

    thickness_nm: float = 200.0
    mean_free_path_nm: float = 300.0

    def __post_init__(self) -> None:
        require_range(self.thickness_nm, 0, 1e6, "thickness_nm")
        require_range(self.mean_free_path_nm, 1e-3, 1e9, "mean_free_path_nm")

    def depth(self, tilts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Path through the slab in mean free paths, (N,): d / (Λ cos t); transmitted are exp(−depth) (Beer–Lambert)."""
        cosines = np.cos(np.deg2rad(np.minimum(np.abs(tilts), _STEEPEST)))
        return np.asarray(self.thickness_nm / (self.mean_free_path_nm * cosines))


@dataclass(frozen=True)
class Exposure:
    """electrons: per Å² and projection on the specimen; contrast: standard deviation over mean of the counts that a 0° view would have."""

    electrons: float = 2.0
    contrast: float = 0.1

    def __post_init__(self) -> None:
        require_range(self.electrons, 1e-9, 1e9, "electrons (per Å² and projection)")
        require_range(self.contrast, 1e-6, 2, "contrast")


def counted(series: TiltSeries, exposure: Exposure, slab: Slab | None, inside: NDArray[np.bool_], rng: np.random.Generator) -> TiltSeries:
    """The series as counts would give it: n ~ Poisson(N exp(−κ (p − p̄) − d / (Λ cos t))), p̂ = p̄ − ln(n / N) / κ.

    N: electrons per pixel without specimen; κ turns the values p into absorption so that their spread inside the support is `contrast`; p̄:
    their mean there. What the slab absorbs stays in p̂ as a brightness that changes with the tilt, as in raw data. A pixel without any
    electron counts as half of one. inside: (N, Y, X). doses of the result: electrons per Å².
    """
    mean, deviation = float(series.data[inside].mean(dtype=np.float64)), float(np.sqrt(support_variance(series.data, inside)))
    absorption = exposure.contrast / deviation
    incident = exposure.electrons * (10 * series.pixel) ** 2
    depth = np.zeros(len(series.tilts)) if slab is None else slab.depth(series.tilts)
    integrals = np.empty(series.data.shape, np.float32)
    for target, image, through in zip(integrals, series.data, depth, strict=True):
        expected = expected_counts(absorption * (image.astype(np.float64) - mean) + through, incident)
        # Poisson numbers end near 2⁶³; above 10⁹ the normal distribution is the same to five digits.
        many = expected.max() > 1e9
        electrons = rng.normal(expected, np.sqrt(expected)) if many else rng.poisson(expected)
        target[:] = mean + line_integrals(electrons, incident) / absorption
    return replace(series, data=integrals, doses=np.full(len(series.angles), exposure.electrons))


def noisy(series: TiltSeries, snr: float, inside: NDArray[np.bool_], rng: np.random.Generator, slab: Slab | None = None) -> TiltSeries:
    """The series with white Gaussian noise of variance V / snr, V the variance of the noise-free projections inside the support.

    The variance is pooled over tilts. With a slab it grows with the path through it, as the electrons get fewer: σ² ∝ exp(d / (Λ cos t)),
    its mean kept. inside: (N, Y, X). Raises CellmlError for an SNR that is not positive.
    """
    if not snr > 0:
        raise CellmlError(f"snr={snr!r} must be positive: variance of the noise-free projections over that of the noise; null for none.")
    weight = np.ones(len(series.tilts)) if slab is None else np.exp(slab.depth(series.tilts))
    variance = support_variance(series.data, inside) / snr * weight / weight.mean()
    values = series.data + np.sqrt(variance).astype(np.float32)[:, None, None] * rng.standard_normal(series.data.shape, dtype=np.float32)
    return replace(series, data=np.asarray(values, np.float32))


def support_variance(projections: NDArray[Any], inside: NDArray[np.bool_]) -> float:
    """Variance of projections (N, Y, X) over all pixels inside the support, those of all tilts taken together.

    Raises CellmlError where they are constant: an SNR needs structure.
    """
    values = projections[inside]
    variance = float(values.var(dtype=np.float64)) if values.size else 0.0
    if not variance > 0:
        raise CellmlError("The projections are constant inside the support of the volume, so that no signal-to-noise ratio can be set.")
    return variance
