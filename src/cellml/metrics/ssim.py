"""Structural similarity of a reconstruction, in bounded memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.metrics.grey_fit import grey_fit, truth_range

_WINDOW = 7  # voxels, scikit-image's default
_SECTIONS = 32  # scored at a time: SSIM keeps a dozen float64 copies of what it is given


def ssim(truth: NDArray[Any], image: NDArray[Any]) -> float:
    """Mean structural similarity (Wang et al. 2004, doi:10.1109/TIP.2003.819861) with the truth's data range, after one affine grey fit.

    truth, image: (Z, Y, X), at least 7 voxels each way. It is scikit-image's `structural_similarity` of the whole volumes, computed
    slab by slab with the window's halo. Raises CellmlError for unlike or too small shapes and a constant truth.
    """
    from skimage.metrics import structural_similarity

    fit, extent, half = grey_fit(truth, image), truth_range(truth), _WINDOW // 2
    if min(truth.shape) < _WINDOW:
        raise CellmlError(f"SSIM needs at least {_WINDOW} voxels along each axis, got {truth.shape}.")
    total, count, depth = 0.0, 0, truth.shape[0]
    for start in range(half, depth - half, _SECTIONS):
        slab = slice(start - half, min(start + _SECTIONS, depth - half) + half)
        real = truth[slab].astype(np.float64)
        fitted = fit.gain * image[slab].astype(np.float64) + fit.offset
        similarity = structural_similarity(real, fitted, win_size=_WINDOW, data_range=extent, full=True)[1]
        inner = similarity[half:-half, half:-half, half:-half]
        total, count = total + float(inner.sum()), count + inner.size
    return total / count
