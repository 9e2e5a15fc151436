"""What a reconstruction is worth where the truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.metrics.psnr import psnr
from cellml.metrics.ssim import ssim
from cellml.metrics.wedge_correlation import in_wedge_correlation, measured_correlation

Array = NDArray[Any]


def scored(truth: Array, image: Array, tilts: NDArray[np.float64]) -> dict[str, float]:
    """PSNR (dB), SSIM, correlation inside the wedge and where tilts measured, of (Z, Y, X) against the truth."""
    return {
        "psnr": round(psnr(truth, image), 3),
        "ssim": round(ssim(truth, image), 4),
        "in_wedge": round(in_wedge_correlation(truth, image, tilts), 4),
        "measured": round(measured_correlation(truth, image, tilts), 4),
    }
