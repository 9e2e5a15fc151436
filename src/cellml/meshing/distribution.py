"""How values are distributed: a histogram and a kernel-density curve, small enough to be stored with every mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS = 36
_FINE = 20  # bins of the density for each bin of the histogram
_STORED = 2  # samples of the density for each bin of the histogram


@dataclass(frozen=True)
class Distribution:
    """Values between `low` and `high`, in `unit`.

    counts: of equal bins between low and high, as many as there are counts; density: at equal steps from low to high, both included, per
    unit; it integrates to 1.
    """

    unit: str
    low: float
    high: float
    counts: tuple[int, ...]
    density: tuple[float, ...]

    def edges(self) -> Floats:
        """Edges of the bins, (B + 1,)."""
        return np.linspace(self.low, self.high, len(self.counts) + 1)

    def positions(self) -> Floats:
        """Where the density is sampled, (D,)."""
        return np.linspace(self.low, self.high, len(self.density))


def distribution(values: Floats, unit: str, low: float, high: float) -> Distribution:
    """The distribution of values, at least one, in [low, high] with low < high; values of any shape."""
    counts = np.histogram(values, BINS, (low, high))[0]
    centres, density = kernel_density(values, low, high, (high - low) / (BINS * _FINE))
    sampled = np.interp(np.linspace(low, high, BINS * _STORED + 1), centres, density)
    return Distribution(unit, float(low), float(high), tuple(int(n) for n in counts), tuple(float(f"{d:.4g}") for d in sampled))


def kernel_density(values: Floats, low: float, high: float, step: float) -> tuple[Floats, Floats]:
    """Gaussian kernel density of values in [low, high], with Silverman's bandwidth h = 0.9 min(σ, IQR/1.34) n^(−1/5).

    The kernel is applied to counts in bins of `step` and reflected at both ends, so that the density integrates to 1 between them. Returns
    the bins' centres and the density, (high − low) / step each.
    """
    from scipy.ndimage import gaussian_filter1d

    values = np.ravel(values)
    bins = round((high - low) / step)
    counts, edges = np.histogram(values, bins, (low, high))
    quartiles = np.percentile(values, (25, 75))
    spread = min(float(values.std()), float(quartiles[1] - quartiles[0]) / 1.34) or float(values.std())
    bandwidth = max(0.9 * spread * values.size**-0.2, step)
    density = gaussian_filter1d(counts.astype(float), bandwidth / step, mode="reflect") / (values.size * step)
    return (edges[:-1] + edges[1:]) / 2.0, density
