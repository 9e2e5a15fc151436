"""Gaussian, median and bilateral filters, their sizes in nanometres."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.imaging.frame import require_image, require_range
from cellml.types import Triple

Halo = tuple[int, int, int]


@dataclass(frozen=True)
class Gaussian:
    """Convolution with a Gaussian of standard deviation sigma_nm, cut off at four of them; beyond the border the image is mirrored."""

    sigma_nm: float = 10.0

    def __post_init__(self) -> None:
        require_range(self.sigma_nm, 0, 1e9, "sigma_nm")

    def halo(self, spacing: Triple) -> Halo:
        """Voxels (z, y, x) beyond which nothing is seen."""
        return _triple(int(4.0 * self.sigma_nm / s + 0.5) for s in spacing)

    def __call__(self, image: NDArray[Any], spacing: Triple) -> NDArray[np.float32]:
        """image: (Z, Y, X); spacing: nm."""
        from scipy.ndimage import gaussian_filter

        return np.asarray(gaussian_filter(require_image(image, "Gaussian filter"), [self.sigma_nm / s for s in spacing]), np.float32)


@dataclass(frozen=True)
class Median:
    """The median over the ellipsoid of voxels whose centres lie within radius_nm (Tukey 1977)."""

    radius_nm: float = 10.0

    def __post_init__(self) -> None:
        require_range(self.radius_nm, 0, 1e9, "radius_nm")

    def halo(self, spacing: Triple) -> Halo:
        """Voxels (z, y, x) beyond which nothing is seen."""
        return _triple(int(self.radius_nm / s) for s in spacing)

    def __call__(self, image: NDArray[Any], spacing: Triple) -> NDArray[np.float32]:
        """image: (Z, Y, X); spacing: nm. Raises CellmlError where the radius holds more than 1000 voxels, which would take hours."""
        from scipy.ndimage import median_filter

        grey = require_image(image, "Median filter")
        reach = self.halo(spacing)
        axes = np.meshgrid(*(np.arange(-n, n + 1) * s for n, s in zip(reach, spacing, strict=True)), indexing="ij")
        ball = sum(a**2 for a in axes) <= (self.radius_nm * (1 + 1e-9)) ** 2
        if ball.sum() > 1000:
            raise CellmlError(
                f"radius_nm={self.radius_nm:g} holds {int(ball.sum())} voxels of {spacing} nm; choose a radius below 1000 voxels."
            )
        return np.asarray(median_filter(grey, footprint=ball), np.float32)


@dataclass(frozen=True)
class Bilateral:
    """A Gaussian mean in which voxels of another grey value count less (Tomasi and Manduchi 1998, eq. 5).

    sigma_nm: of distance, cut off at two of them; sigma_contrast: of grey values, in standard deviations of the image's noise-free
    contrast, that is, in the units of the image divided by `deviation`; deviation: of the image, none to measure it on what is given.
    """

    sigma_nm: float = 10.0
    sigma_contrast: float = 0.5
    deviation: float | None = None

    def __post_init__(self) -> None:
        require_range(self.sigma_nm, 0, 1e9, "sigma_nm")
        require_range(self.sigma_contrast, 1e-6, 1e6, "sigma_contrast")

    def measured(self, deviation: float) -> Bilateral:
        """The same filter for an image of this standard deviation, so that all of its blocks are filtered alike."""
        return self if self.deviation is not None else Bilateral(self.sigma_nm, self.sigma_contrast, deviation)

    def halo(self, spacing: Triple) -> Halo:
        """Voxels (z, y, x) beyond which nothing is seen."""
        return _triple(int(2 * self.sigma_nm / s + 0.5) for s in spacing)

    def __call__(self, image: NDArray[Any], spacing: Triple) -> NDArray[np.float32]:
        """image: (Z, Y, X); spacing: nm. Beyond the border the image is mirrored. Work grows with the number of voxels in the window."""
        grey = require_image(image, "Bilateral filter")
        deviation = self.deviation if self.deviation is not None else float(grey.std())
        if deviation == 0 or self.sigma_nm == 0:
            return grey.copy()
        reach = self.halo(spacing)
        padded = np.pad(grey, [(n, n) for n in reach], mode="symmetric")
        total, weights = np.zeros_like(grey), np.zeros_like(grey)
        for offset in product(*(range(-n, n + 1) for n in reach)):
            shifted = padded[tuple(slice(n + o, n + o + size) for n, o, size in zip(reach, offset, grey.shape, strict=True))]
            distance = sum((o * s / self.sigma_nm) ** 2 for o, s in zip(offset, spacing, strict=True))
            weight = np.exp(
                np.float32(-0.5) * (((shifted - grey) * np.float32(1 / (deviation * self.sigma_contrast))) ** 2 + np.float32(distance))
            )
            total += weight * shifted
            weights += weight
        return total / weights


def _triple(values: Any) -> Halo:
    z, y, x = (int(v) for v in values)
    return (z, y, x)
