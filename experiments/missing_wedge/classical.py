"""Reconstructions without learning, their numbers chosen on validation specimens."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from conditions import Condition
from numpy.typing import NDArray
from specimens import specimen, tilt_series

from cellml.metrics.psnr import psnr
from cellml.tomography.conjugate_gradients import conjugate_gradients
from cellml.tomography.filters import Exact, SirtLike
from cellml.tomography.sirt import sirt
from cellml.tomography.total_variation import total_variation
from cellml.tomography.wbp import wbp
from cellml.tomography.wiener import wiener
from cellml.types import TiltSeries, Volume

CHOICES = Path(__file__).parent / "choices.json"
# What each method has to choose, for every signal-to-noise ratio, in increasing order.
CANDIDATES: dict[str, tuple[float, ...]] = {
    "sirt": (5, 10, 20, 40, 80, 160, 320),
    "sart": (1, 2, 5, 10, 20, 40),
    "sart_nonnegative": (5, 10, 20, 40, 80),
    "cg": (3, 6, 12, 24, 48, 96),
    "tv": (0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1),
}
SKIMAGE_PASSES = 20

Floats = NDArray[np.float32]


def run(method: str, series: TiltSeries, thickness: int, choice: float) -> Floats:
    """A reconstruction (Z, Y, X); choice: passes of sirt, sart (SIRT with as many subsets as tilts) and cg, weight of tv."""
    methods: dict[str, Callable[[], Volume]] = {
        "wbp": lambda: wbp(series, thickness),
        "wbp_sirt_like": lambda: wbp(series, thickness, SirtLike(20)),
        "wbp_exact": lambda: wbp(series, thickness, Exact()),
        "sirt": lambda: sirt(series, thickness, iterations=int(choice)),
        "sirt_subsets": lambda: sirt(series, thickness, iterations=5, subsets=10),
        "sart": lambda: sirt(series, thickness, iterations=int(choice), subsets=len(series.tilts)),
        "sart_nonnegative": lambda: sirt(
            series, thickness, iterations=int(choice), subsets=len(series.tilts), relaxation=0.15, nonnegative=True
        ),
        "cg": lambda: conjugate_gradients(series, thickness, iterations=int(choice)),
        "tv": lambda: total_variation(series, thickness, weight=choice, iterations=60),
        "wiener": lambda: wiener(series, thickness),
    }
    return np.asarray(methods[method]().data, np.float32)


METHODS = ("wbp", "wbp_exact", "wbp_sirt_like", "sirt_subsets", "sirt", "sart", "cg", "tv", "wiener")

IN_VACUUM = ("sart_nonnegative",)  # only where densities are known to be 0 or more; scikit-image's SART knows that corners are empty


def choose(condition: Condition, method: str) -> float:
    """The candidate of highest PSNR on the validation specimen at ±60°, 2° and this signal-to-noise ratio; remembered in choices.json.

    PSNR rises and falls with a number of iterations and with a weight: candidates beyond the first fall are not tried.
    """
    if method not in CANDIDATES:
        return 0.0
    name = condition.specimen.split("-")[0] + "-validation"
    key = f"{name} {condition.snr:g} {method}"
    if key not in _known():
        found = _best(Condition(name, snr=condition.snr, seed=1), method)
        CHOICES.write_text(json.dumps(_known() | {key: found}, indent=1) + "\n")
    return float(_known()[key]["choice"])


def _known() -> dict[str, Any]:
    """What was chosen so far; read anew each time, for stages may run side by side."""
    return dict(json.loads(CHOICES.read_text())) if CHOICES.is_file() else {}


def _best(condition: Condition, method: str) -> dict[str, Any]:
    found, series = specimen(condition.specimen), tilt_series(condition)
    scores: dict[str, float] = {}
    best = -np.inf
    for candidate in CANDIDATES[method]:
        volume = run(method, series, len(found.volume.data), candidate)
        scores[f"{candidate:g}"] = round(psnr(*found.judged(volume)), 3)
        print("choose", condition.key, method, candidate, scores[f"{candidate:g}"], flush=True)
        if scores[f"{candidate:g}"] < best:
            break
        best = scores[f"{candidate:g}"]
    return {"choice": float(max(scores, key=lambda c: scores[c])), "psnr": scores}


def skimage_iradon(series: TiltSeries, thickness: int) -> Floats:
    """scikit-image's filtered back-projection, row by row. Sizes must be odd: its centre of n pixels is n // 2."""
    from skimage.transform import iradon

    return _by_rows(series, thickness, lambda sinogram, theta: iradon(sinogram, theta, circle=False, output_size=sinogram.shape[0]))


def skimage_sart(series: TiltSeries, thickness: int) -> Floats:
    """Passes of scikit-image's simultaneous algebraic reconstruction, row by row."""
    from skimage.transform import iradon_sart

    def passes(sinogram: NDArray[Any], theta: NDArray[Any]) -> NDArray[Any]:
        image = None
        for _ in range(SKIMAGE_PASSES):
            image = iradon_sart(sinogram, theta, image=image)
        return np.asarray(image)

    return _by_rows(series, thickness, passes)


def _by_rows(series: TiltSeries, thickness: int, method: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]) -> Floats:
    """scikit-image's radon has u = x cos θ − row sin θ, so that its rows are our z at −θ."""
    theta = -np.asarray(series.tilts)
    sections = [method(series.data[:, row].T.astype(np.float64), theta) for row in range(series.data.shape[1])]
    volume = np.stack(sections, axis=1)
    start = (volume.shape[0] - thickness) // 2
    return np.asarray(volume[start : start + thickness], np.float32)
