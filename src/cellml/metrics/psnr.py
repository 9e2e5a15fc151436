"""Peak signal-to-noise ratio of a reconstruction."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.metrics.grey_fit import grey_fit, truth_range


def psnr(truth: NDArray[Any], image: NDArray[Any]) -> float:
    """10 log₁₀(R² / MSE) in dB, R the truth's data range, MSE after one affine grey fit of the image to the truth.

    truth, image: (Z, Y, X). inf where the image is an affine copy of the truth. Raises CellmlError for unlike shapes, values that are
    not finite, or a constant truth.
    """
    fit = grey_fit(truth, image)
    return float("inf") if fit.mean_square == 0 else float(10 * np.log10(truth_range(truth) ** 2 / fit.mean_square))
