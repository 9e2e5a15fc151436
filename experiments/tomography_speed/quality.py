"""The same phantom slice from the same projections, by cellml and by scikit-image, scored alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity
from skimage.transform import iradon, iradon_sart

from cellml.tomography.conjugate_gradients import conjugate_gradients
from cellml.tomography.ellipses import ellipse_series, section
from cellml.tomography.filters import Exact, Ramp
from cellml.tomography.sirt import sirt
from cellml.tomography.total_variation import total_variation
from cellml.tomography.wbp import wbp

# An odd width: both programs then put the axis into the middle of the image (scikit-image's is at n // 2).
SIZE, TILTS = 257, np.arange(-60, 61, 2.0)
PASSES = (2, 5, 10)
Image = NDArray[np.float64]


def scores(found: Image, truth: Image) -> tuple[float, float]:
    """(PSNR in dB, SSIM) with the truth's range after one affine fit of grey values, within the circle that scikit-image reconstructs."""
    z, x = np.mgrid[: truth.shape[0], : truth.shape[1]] - (np.array(truth.shape) - 1)[:, None, None] / 2
    inside = z**2 + x**2 < (SIZE // 2) ** 2
    slope, offset = np.polyfit(found[inside], truth[inside], 1)
    fitted, spread = slope * found + offset, float(np.ptp(truth))
    _, similar = structural_similarity(truth, fitted, data_range=spread, full=True)
    return float(-10 * np.log10(np.square(fitted - truth)[inside].mean() / spread**2)), float(similar[inside].mean())


def rows() -> list[dict[str, float | str]]:
    """A row for each program and method; the iterative ones with the number of passes that suits them best by PSNR."""
    truth, series = section(SIZE, SIZE), ellipse_series(TILTS, SIZE)
    sinogram = series.data[:, 0].T.astype(np.float64)
    found = {
        ("scikit-image", "iradon"): {1: iradon(sinogram, theta=-TILTS, circle=True)},
        ("cellml", "WBP, ramp"): {1: wbp(series, SIZE, Ramp()).data[:, 0]},
        ("cellml", "WBP, exact"): {1: wbp(series, SIZE, Exact()).data[:, 0]},
        ("scikit-image", "iradon_sart"): {},
        ("cellml", "SIRT, 61 subsets"): {n: sirt(series, SIZE, n, subsets=61).data[:, 0] for n in PASSES},
        ("cellml", "SIRT, 61 subsets, nonnegative"): {n: sirt(series, SIZE, n, subsets=61, nonnegative=True).data[:, 0] for n in PASSES},
        ("cellml", "SIRT, 10 subsets, nonnegative"): {n: sirt(series, SIZE, n, subsets=10, nonnegative=True).data[:, 0] for n in PASSES},
        ("cellml", "conjugate gradients"): {n: conjugate_gradients(series, SIZE, n).data[:, 0] for n in (*PASSES, 40)},
        ("cellml", "total variation"): {40: total_variation(series, SIZE, 0.003, 40, nonnegative=True).data[:, 0]},
    }
    image = None
    for number in range(1, PASSES[-1] + 1):
        image = iradon_sart(sinogram, theta=-TILTS, image=image)
        if number in PASSES:
            found["scikit-image", "iradon_sart"][number] = image
    result: list[dict[str, float | str]] = []
    for (program, method), images in found.items():
        scored = {n: scores(np.asarray(image, np.float64), truth) for n, image in images.items()}
        best = max(scored, key=lambda n: scored[n][0])
        result.append({"program": program, "method": method, "passes": best, "psnr_db": scored[best][0], "ssim": scored[best][1]})
    return result
