"""The same image measured once more: other noise, and other contents of a missing wedge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float32]
_MASK = np.array([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]])
_RINGS = 48
_POWER_OF_MASK = 36.0  # Σ mask²
_SPREAD_OF_MAD = 1.4826


def noise_deviation(image: NDArray[np.generic]) -> float:
    """Standard deviation of white noise in an image (Z, Y, X), in its grey values.

    Each section is convolved with the difference of two Laplacians, which neither planes nor straight edges along the axes excite
    (Immerkær 1996, doi:10.1006/cviu.1996.0060); the deviation is read from the median of the absolute answers instead of their mean, so
    that edges count little. Up to 32 sections are looked at. Noise that is correlated between pixels is underestimated, fine texture is
    taken for noise. Raises CellmlError for sections below 5 × 5 pixels.
    """
    from scipy.ndimage import convolve

    if image.ndim != 3 or min(image.shape[1:]) < 5:
        raise CellmlError(f"The noise of an image needs sections of at least 5 × 5 pixels, got the shape {image.shape}.")
    sections = np.unique(np.linspace(0, len(image) - 1, min(len(image), 32)).astype(int))
    answers = [convolve(np.asarray(image[z], np.float64), _MASK)[1:-1, 1:-1] for z in sections]
    return float(_SPREAD_OF_MAD * np.median(np.abs(answers)) / np.sqrt(_POWER_OF_MASK))


def drawn_image(image: NDArray[np.generic], deviation: float, wedge: Sequence[float] | None, seed: Sequence[int]) -> Floats:
    """The image (Z, Y, X) with a draw of noise, and of what the wedge hides.

    deviation: of the noise that is added. An image with noise σ gets as much again, so that answers vary as from image to image, about a
    middle that is a little noisier (the parametric bootstrap about what was measured; Efron and Tibshirani 1993, section 6.5). seed: draw.
    """
    rng = np.random.default_rng(list(seed))
    drawn = np.asarray(image, np.float32) + np.float32(deviation) * rng.standard_normal(image.shape, dtype=np.float32)
    return drawn if wedge is None else filled_wedge(drawn, wedge, rng)


def filled_wedge(image: Floats, wedge: Sequence[float], rng: np.random.Generator) -> Floats:
    """The image with the coefficients outside the tilts replaced by draws: Gaussian, of the mean power measured at the same frequency.

    A tilt series says nothing of them; that their power is that of the measured ones, whatever the direction, is the assumption. wedge:
    first and last tilt in degrees, as `cellml.tomography.wedge` has them.
    """
    from cellml.tomography.wedge import frequencies, sampled_wedge

    found = np.fft.rfftn(image.astype(np.float64))
    measured = np.broadcast_to(sampled_wedge(image.shape, [float(wedge[0]), float(wedge[1])]), found.shape)
    kz, ky, kx = frequencies(image.shape)
    ring = np.minimum((np.sqrt(kz**2 + ky**2 + kx**2) * 2 * _RINGS).astype(np.int64), 2 * _RINGS)
    power = np.bincount(ring[measured], weights=np.abs(found[measured]) ** 2, minlength=2 * _RINGS + 1)
    count = np.bincount(ring[measured], minlength=2 * _RINGS + 1)
    amplitude = np.sqrt(power / np.maximum(count, 1))
    white = np.fft.rfftn(rng.standard_normal(image.shape))  # the transform of a real image: its symmetries are right
    white *= amplitude[ring] / np.sqrt(image.size)
    return np.fft.irfftn(np.where(measured, found, white), s=image.shape, axes=(0, 1, 2)).astype(np.float32)
