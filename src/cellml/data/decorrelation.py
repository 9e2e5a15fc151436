"""How fast an image changes along its axes: what it says of its own voxel size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.data.slabs import Opened

LAGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
_PAIRS, _CROP = 8, 256


@dataclass(frozen=True)
class Decorrelation:
    """D(h) = E (g(v + h) − g(v))² / 2 of grey values standardised in each section: 0 for equal, 1 for unrelated ones.

    z: of neighbouring sections; y, x: for each of LAGS pixels, NaN where the image is too small.
    """

    z: float
    y: NDArray[np.float64]
    x: NDArray[np.float64]

    @property
    def pixels_per_section(self) -> float:
        """The distance within sections, in pixels, over which grey values change as much as from one section to the next.

        About the ratio of section thickness to pixel size in well aligned images; more where sections jump. 33 where it is beyond reach.
        """
        both = np.stack([self.y, self.x])
        known = np.isfinite(both).any(axis=0)
        lags, values = np.asarray(LAGS, float)[known], np.maximum.accumulate(np.nanmean(both[:, known], axis=0))
        if self.z > values[-1]:
            return float(LAGS[-1] + 1)
        if self.z <= values[0]:
            return float(self.z / values[0]) if values[0] > 0 else 1.0
        return float(np.exp(np.interp(self.z, values, np.log(lags))))


def decorrelation(image: Opened) -> Decorrelation | None:
    """Look at the middle of up to 8 pairs of neighbouring sections, first channel; None for fewer than 2 sections or 8 pixels.

    Blank and non-finite sections are left out.
    """
    depth, height, width = image.shape
    if depth < 2 or min(height, width) < 8:
        return None
    crop = tuple(slice((n - min(n, _CROP)) // 2, (n - min(n, _CROP)) // 2 + min(n, _CROP)) for n in (height, width))
    found = []
    for z in np.unique(np.linspace(0, depth - 2, min(_PAIRS, depth - 1)).astype(int)):
        pair = image.read((slice(int(z), int(z) + 2), crop[0], crop[1]))
        pair = np.asarray(pair, np.float64).reshape(-1, *pair.shape[-3:])[0]
        spread = pair.std(axis=(1, 2), keepdims=True)
        if np.isfinite(spread).all() and spread.min() > 0:
            found.append(_differences((pair - pair.mean(axis=(1, 2), keepdims=True)) / spread))
    if not found:
        return None
    z_steps, y_steps, x_steps = zip(*found, strict=True)
    return Decorrelation(float(np.mean(z_steps)), np.mean(y_steps, axis=0), np.mean(x_steps, axis=0))


def _differences(pair: NDArray[Any]) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    first = pair[0]
    along = [np.array([_half_square(first, axis, lag) for lag in LAGS]) for axis in (0, 1)]
    return 0.5 * float(((pair[1] - first) ** 2).mean()), along[0], along[1]


def _half_square(section: NDArray[Any], axis: int, lag: int) -> float:
    if lag >= section.shape[axis]:
        return np.nan
    rows = np.moveaxis(section, axis, 0)
    return 0.5 * float(((rows[lag:] - rows[:-lag]) ** 2).mean())
