"""Whether the tilt axis lies where a series says, judged by its projections alone.

The sum of a projection across the tilt axis, as a function of the place along the axis, is the mass of one section of the specimen, and the
same at every tilt: all projections share this line, the common line of their Fourier transforms. Along any other direction it changes.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.tomography.axis import axis_along_y
from cellml.types import TiltSeries

# A wrong axis scores 0.25 to 0.75 higher the other way round down to an SNR of 1, and 0.02 to 0.2 at an SNR of 0.1; a right one never does.
_MARGIN = 0.04


def agreement(profiles: NDArray[np.float64], tilts: NDArray[np.float64], reach: float = 0.12) -> float:
    """How alike profiles (N, L) of different tilts (degrees) are, from -1 to 1: their correlation, displaced at best up to reach · L.

    Means over an eighth of the length are taken out, for a specimen that goes on beyond the image gets brighter with the tilt. Pairs count
    by the difference of their cosines: at nearly the same tilt everything is alike.
    """
    from scipy.ndimage import gaussian_filter1d

    length = profiles.shape[1]
    detail = (profiles - gaussian_filter1d(profiles, length / 8, axis=1, mode="nearest")) * np.hanning(length + 2)[1:-1]
    detail -= detail.mean(axis=1, keepdims=True)
    size = np.sqrt((detail**2).sum(axis=1))
    spectra = np.fft.rfft(detail / np.maximum(size, 1e-30)[:, None], 2 * length, axis=1)
    most, cosines = max(1, int(reach * length)), np.cos(np.deg2rad(tilts))
    total = weight = 0.0
    for i, j in combinations(range(len(tilts)), 2):
        correlation = np.fft.irfft(spectra[i].conj() * spectra[j], 2 * length)
        apart = abs(cosines[i] - cosines[j])
        total += apart * max(correlation[: most + 1].max(), correlation[-most:].max())
        weight += apart
    return total / weight if weight > 0 else 1.0


def axis_agreement(series: TiltSeries, most: int = 41) -> tuple[float, float]:
    """`agreement` with the axis where the series says, and with it turned by 90°; of at most `most` projections spread over the series."""
    chosen = np.unique(np.linspace(0, len(series.data) - 1, most).round().astype(int))
    part = replace(series, data=series.data[chosen], angles=series.angles[chosen], doses=np.zeros(0))
    turned = axis_along_y(part, order=1) if series.axis_angle else part
    said, other = (agreement(turned.data.mean(axis=axis, dtype=np.float64), turned.tilts) for axis in (2, 1))
    return said, other


def axis_warning(series: TiltSeries) -> str | None:
    """What to tell the user where the projections say that the axis is off by 90°, else None."""
    said, other = axis_agreement(series)
    if other <= said + _MARGIN:
        return None
    remedy = (series.axis_angle + 90 + 180) % 360 - 180
    opposite = (series.axis_angle - 90 + 180) % 360 - 180
    return (
        f"The tilt axis of {series.name!r} seems to be off by 90°: sums across it at {series.axis_angle:g}° agree between tilts by "
        f"{said:.2f}, across {remedy:g}° by {other:.2f}. Give axis_angle={remedy:g}, or {opposite:g} (the two make mirror images)."
    )


def require_axis(series: TiltSeries) -> None:
    """Raise CellmlError where `axis_warning` has something to say."""
    warning = axis_warning(series)
    if warning:
        raise CellmlError(warning)
