"""Signal-to-noise ratio of projections: one number of the simulation, and by frequency for Wiener weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

_NOISE_BAND = (0.5, 0.71)  # cycles per pixel: the corners of a projection's transform, where optics and gridding leave least signal


@dataclass(frozen=True, eq=False)
class ShellSnr:
    """Signal power over noise power of a projection's Fourier coefficients, by frequency.

    radius: (S,) increasing, cycles per pixel; ratio: (S,) ≥ 0, inf where there is no noise.
    """

    radius: NDArray[np.float64]
    ratio: NDArray[np.float64]

    def at(self, frequency: NDArray[Any]) -> NDArray[np.float64]:
        """The ratio at frequencies (…) in cycles per pixel, linear between shells, constant beyond the first and the last."""
        return np.interp(frequency, self.radius, self.ratio) if np.isfinite(self.ratio).all() else np.full(frequency.shape, np.inf)


def projection_snr(clean: NDArray[Any], noise_variance: float, support: NDArray[np.bool_] | None = None) -> float:
    """Variance of noise-free projections inside the support over the variance of the noise, pooled over tilts.

    clean: (N, Y, X); support: the same shape, true where the specimen projects to (everywhere if None). Pooled means that one mean and
    one variance are taken over all tilts together. Returns inf without noise. Raises CellmlError for an empty support.
    """
    values = clean[support] if support is not None else clean
    if not values.size:
        raise CellmlError("The support of the projections is empty: no pixel to take the signal's variance over.")
    return float(values.var(dtype=np.float64) / noise_variance) if noise_variance > 0 else float("inf")


def tilt_shell_snr(projections: NDArray[Any], noise_variance: float | None = None, *, shells: int = 32) -> ShellSnr:
    """Signal-to-noise ratio of a tilt series by frequency, pooled over tilts.

    projections: (N, Y, X); noise_variance: variance of white noise in a pixel where it is known (0: none), else the power at the corners
    of the transform is taken for noise, which calls fine detail noise rather than noise detail. The ratio of a shell is
    max(P − σ², 0) / σ² with P the mean periodogram under a Hann window of unit power. Raises CellmlError for a negative variance.
    """
    if noise_variance is not None and not noise_variance >= 0:
        raise CellmlError(f"The variance of the noise must be 0 or more, got {noise_variance}.")
    radius, power = _periodogram(projections)
    edges = np.linspace(0, 0.5, shells + 1)
    shell = np.digitize(radius, edges[1:-1])
    inside = radius <= 0.5
    total = np.bincount(shell[inside], weights=power[inside], minlength=shells)
    count = np.bincount(shell[inside], minlength=shells)
    corner = (radius >= _NOISE_BAND[0]) & (radius < _NOISE_BAND[1])
    noise = float(power[corner].mean()) if noise_variance is None else noise_variance
    mean = total / np.maximum(count, 1)
    ratio = np.maximum(mean - noise, 0) / noise if noise > 0 else np.full(shells, np.inf)
    return ShellSnr((edges[:-1] + edges[1:]) / 2, ratio)


def _periodogram(projections: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies and mean power of the tilts, both (Y, X // 2 + 1), normalised so that white noise has its variance as power."""
    rows, columns = projections.shape[1:]
    window = np.outer(np.hanning(rows + 2)[1:-1], np.hanning(columns + 2)[1:-1])
    window /= np.sqrt((window**2).mean() * window.size)
    power = np.zeros((rows, columns // 2 + 1))
    for projection in projections:
        power += np.abs(np.fft.rfft2((projection - projection.mean()) * window)) ** 2
    radius = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None, :])
    return radius, power / len(projections)
