"""One affine grey fit, so that reconstructions of unlike scale and offset are compared by structure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError


@dataclass(frozen=True)
class GreyFit:
    """truth ≈ gain · image + offset by least squares over all voxels; mean_square: what is left, in the truth's units squared."""

    gain: float
    offset: float
    mean_square: float

    def apply(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """The image on the truth's grey scale, float32."""
        return np.asarray(np.float32(self.gain) * np.asarray(image, np.float32) + np.float32(self.offset), np.float32)


def same_shape(truth: NDArray[Any], image: NDArray[Any]) -> None:
    """Raise CellmlError unless both cover the same voxels and hold finite numbers only."""
    if truth.shape != image.shape:
        raise CellmlError(f"The truth has shape {truth.shape}, the image {image.shape}; they must cover the same voxels.")
    for name, values in (("truth", truth), ("image", image)):
        if not all(np.isfinite(section).all() for section in values):
            raise CellmlError(f"The {name} holds NaN or infinite values; an image score is not defined there.")


def truth_range(truth: NDArray[Any]) -> float:
    """Largest minus smallest value of the truth: the data range of PSNR and SSIM. Raises CellmlError for a constant truth."""
    extent = float(truth.max()) - float(truth.min())
    if not extent > 0:
        raise CellmlError(f"The truth is constant ({float(truth.flat[0]):g}): PSNR, SSIM and a grey fit need structure.")
    return extent


def grey_fit(truth: NDArray[Any], image: NDArray[Any]) -> GreyFit:
    """Fit gain and offset of an image to the truth over all voxels, section by section in float64 (no copy of either volume).

    truth, image: (Z, Y, X). A constant image is fitted by the truth's mean (gain 0). Raises CellmlError as `same_shape`.
    """
    same_shape(truth, image)
    count = truth.size
    truth_mean = sum(float(s.sum(dtype=np.float64)) for s in truth) / count
    image_mean = sum(float(s.sum(dtype=np.float64)) for s in image) / count
    tt = ii = ti = 0.0
    for t, i in zip(truth, image, strict=True):
        a, b = t.astype(np.float64).ravel() - truth_mean, i.astype(np.float64).ravel() - image_mean
        tt, ii, ti = tt + float(a @ a), ii + float(b @ b), ti + float(a @ b)
    gain = ti / ii if ii > 0 else 0.0
    return GreyFit(gain, truth_mean - gain * image_mean, max(tt - gain * ti, 0.0) / count)
