"""What the grey values and the voxels of an image mean physically."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Triple, Volume

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Frame:
    """spacing: (z, y, x) in nm; mean, deviation: of the grey values; contrast: standard deviation of the detected intensity over its mean.

    A grey value v stands for the relative intensity I = 1 + contrast · (v − mean) / deviation: 1 is the mean electron count. The defaults
    fit an image that was normalised to mean 0 and standard deviation 1, as networks see it; 0.25 is what the FIB-SEM block of FIB-25
    has (mean 133 and deviation 35 grey levels above black). Raises CellmlError for numbers that are not positive.
    """

    spacing: Triple = (10.0, 10.0, 10.0)
    mean: float = 0.0
    deviation: float = 1.0
    contrast: float = 0.25

    def __post_init__(self) -> None:
        numbers = [float(s) for s in self.spacing]
        if len(numbers) != 3 or not all(np.isfinite([*numbers, self.mean, self.deviation, self.contrast])):
            raise CellmlError(f"An image frame needs a voxel size (z, y, x) in nm and finite numbers, got {self}.")
        if min(*numbers, self.deviation, self.contrast) <= 0:
            raise CellmlError(f"Voxel size, deviation and contrast of an image frame must be positive, got {self}.")
        object.__setattr__(self, "spacing", tuple(numbers))

    @classmethod
    def of(cls, volume: Volume, black: float = 0.0) -> Frame:
        """Measured on a volume (Z, Y, X); black: the grey value of no electron.

        Raises CellmlError where mean ≤ black or all is constant.
        """
        mean, deviation = float(volume.data.mean(dtype=np.float64)), float(volume.data.std(dtype=np.float64))
        if not deviation > 0 or not mean > black:
            raise CellmlError(
                f"{volume.name} has mean {mean:g} and deviation {deviation:g}; an intensity above black={black:g} that varies is needed. "
                "Give the grey value of black."
            )
        return cls(volume.spacing, mean, deviation, deviation / (mean - black))

    def intensity(self, image: NDArray[Any]) -> Floats:
        """Grey values → relative intensity, mean 1, any shape."""
        return np.asarray(1 + self.contrast * (np.asarray(image, np.float32) - self.mean) / self.deviation, np.float32)

    def grey(self, intensity: NDArray[Any]) -> Floats:
        """Relative intensity → grey values."""
        return np.asarray(self.mean + (np.asarray(intensity, np.float32) - 1) * (self.deviation / self.contrast), np.float32)

    def voxels(self, length_nm: float) -> Triple:
        """A length in nm as voxels along (z, y, x)."""
        z, y, x = self.spacing
        return (length_nm / z, length_nm / y, length_nm / x)


def require_image(image: NDArray[Any], what: str) -> Floats:
    """The image (…, Z, Y, X) as float32. Raises CellmlError for fewer axes and for NaN or infinite voxels."""
    if np.ndim(image) < 3:
        raise CellmlError(f"{what} needs an image with the axes (z, y, x), or (C, z, y, x); this one has the shape {np.shape(image)}.")
    array = np.asarray(image, np.float32)
    if not np.isfinite(array).all():
        raise CellmlError(f"{what}: the image holds {int((~np.isfinite(array)).sum())} NaN or infinite voxels; replace them first.")
    return array


def require_range(value: float, low: float, high: float, what: str) -> None:
    """Raise CellmlError unless low ≤ value ≤ high, naming all three."""
    if not (low <= value <= high):
        raise CellmlError(f"{what} is {value:g}; it must lie between {low:g} and {high:g}.")
