"""How far one image is displaced against another, to a fraction of a pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Band:
    """Frequencies that are correlated, in cycles per pixel: a Gaussian rise at `low` and fall at `high`.

    low keeps out what changes slowly, such as a thickness that grows with the tilt; high keeps out noise.
    """

    low: float = 0.02
    high: float = 0.25

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 1:
            raise CellmlError(f"A band needs 0 ≤ low < high in cycles per pixel, got low={self.low:g}, high={self.high:g}.")

    def transfer(self, frequency_y: Any, frequency_x: Any) -> NDArray[np.float64]:
        """(1 − exp(−k² / 2 low²)) exp(−k² / 2 high²)."""
        square = frequency_y**2 + frequency_x**2
        rise = 1 - np.exp(-square / (2 * self.low**2)) if self.low else np.where(square > 0, 1.0, 0.0)
        return np.asarray(rise * np.exp(-square / (2 * self.high**2)))


def banded(images: NDArray[Any], band: Band) -> Floats:
    """Images (N, Y, X) with the frequencies of a band only; mirrored beyond their border, so that it does not ring."""
    from scipy.fft import irfft2, next_fast_len, rfft2

    height, width = images.shape[1:]
    pads = [min(n, int(np.ceil(1.0 / max(band.low, 1e-3)))) for n in (height, width)]
    shape = [next_fast_len(n + 2 * p, real=True) for n, p in zip((height, width), pads, strict=True)]
    transfer = band.transfer(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None]).astype(np.float32)
    result = np.empty(images.shape, np.float32)
    for image, target in zip(images, result, strict=True):
        extra = [(p, s - n - p) for n, p, s in zip((height, width), pads, shape, strict=True)]
        padded = np.pad(np.asarray(image, np.float32), extra, mode="symmetric")
        target[:] = irfft2(rfft2(padded) * transfer, s=padded.shape)[pads[0] : pads[0] + height, pads[1] : pads[1] + width]
    return result


def displacement(reference: Floats, image: Floats, most: float | None = None, whitening: float = 0.0) -> tuple[NDArray[np.float64], float]:
    """Pixels (v, u) by which `image` is displaced against `reference`, and how alike they are then.

    The peak of F⁻¹(F̄₁ F₂ / |F̄₁ F₂|^w): w = 1 is phase correlation (Kuglin and Hines 1975), w = 0 cross-correlation. Its place between
    pixels is that of a parabola through the peak and its neighbours, along v and along u. images: (Y, X), faded out at their borders;
    most: greatest displacement looked for, in pixels. The likeness is the correlation coefficient there (0 where w is not).
    """
    from scipy.fft import irfft2, next_fast_len, rfft2

    shape = [next_fast_len(2 * n, real=True) for n in reference.shape]  # room for displacements in both directions, without wrap
    product = np.conj(rfft2(reference, shape)) * rfft2(image, shape)
    if whitening:
        size = np.abs(product)
        product = product / np.maximum(size, 1e-6 * max(float(size.max()), 1e-30)) ** whitening
    correlation = np.fft.fftshift(irfft2(product, s=shape))
    middle = np.array(shape) // 2
    reach = [n // 2 if most is None else min(n // 2, int(np.ceil(most))) for n in reference.shape]
    window = correlation[tuple(slice(m - r, m + r + 1) for m, r in zip(middle, reach, strict=True))]
    peak = np.array(np.unravel_index(int(window.argmax()), window.shape))
    energy = float(np.sqrt((reference.astype(np.float64) ** 2).sum() * (image.astype(np.float64) ** 2).sum()))
    likeness = float(window[tuple(peak)]) / energy if energy > 0 and not whitening else 0.0
    return _between(window, peak) - np.array(reach), likeness


def _between(values: NDArray[Any], peak: NDArray[np.int64]) -> NDArray[np.float64]:
    """The peak's place between pixels, unless it lies at the border."""
    place = peak.astype(np.float64)
    for axis in (0, 1):
        if 0 < peak[axis] < values.shape[axis] - 1:
            step = np.eye(2, dtype=np.int64)[axis]
            below, at, above = (float(values[tuple(peak + k * step)]) for k in (-1, 0, 1))
            curvature = below - 2 * at + above
            if curvature < 0:
                place[axis] += 0.5 * (below - above) / curvature
    return place
