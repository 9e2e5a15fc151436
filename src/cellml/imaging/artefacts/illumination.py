"""Light, or a beam, that is stronger in one part of the field of view than in another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.imaging.artefacts.random import RandomArtefact, Range, number_range
from cellml.imaging.frame import Frame, require_image, require_range


@dataclass(frozen=True)
class Illumination:
    """tilt_y, tilt_x: change of intensity from the centre to the edge of the field of view, as a share; vignetting: loss at that distance
    from the centre; field_nm: half the width of the field of view, none for the image's own half width.
    """

    tilt_y: float = 0.0
    tilt_x: float = 0.0
    vignetting: float = 0.0
    field_nm: float | None = None

    def __post_init__(self) -> None:
        for name in ("tilt_y", "tilt_x", "vignetting"):
            require_range(getattr(self, name), -1, 1, f"illumination {name}")
        if self.field_nm is not None:
            require_range(self.field_nm, 1e-3, 1e12, "illumination field_nm")


def light(shape: tuple[int, ...], illumination: Illumination, frame: Frame) -> NDArray[np.float32]:
    """L(y, x) = 1 + t_y y/R + t_x x/R − v (x² + y²)/R², not below 0, about the centre of the image (Y, X); R: field_nm.

    A plane and a parabola are the first two orders of the smooth fields that retrospective shading correction assumes (Peng et al. 2017).
    """
    height, width = shape[-2:]
    y = (np.arange(height) - (height - 1) / 2) * frame.spacing[1]
    x = (np.arange(width) - (width - 1) / 2) * frame.spacing[2]
    radius = illumination.field_nm or max(float(np.max(y)), float(np.max(x)), 1e-3)
    y, x = y[:, None] / radius, x[None] / radius
    field = 1 + illumination.tilt_y * y + illumination.tilt_x * x - illumination.vignetting * (y**2 + x**2)
    return np.maximum(field, 0).astype(np.float32)


def light_unevenly(image: NDArray[Any], illumination: Illumination, frame: Frame) -> NDArray[np.float32]:
    """I(z, y, x) → L(y, x) I(z, y, x): every section of the image (…, Z, Y, X) through the same uneven field of view."""
    grey = require_image(image, "Uneven illumination")
    return frame.grey(frame.intensity(grey) * light(grey.shape, illumination, frame))


class RandomIllumination(RandomArtefact):
    """Uneven illumination: tilts evenly within ±`tilt`, `vignetting` evenly in its range."""

    def __init__(self, tilt: Range = 0.1, vignetting: Range = (0.0, 0.1), field_nm: float | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.tilt, self.vignetting = number_range(tilt, "tilt", 0, 1)[1], number_range(vignetting, "vignetting", -1, 1)
        self.field_nm = field_nm

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Illumination:
        """Direction and strength."""
        y, x = rng.uniform(-self.tilt, self.tilt, 2)
        return Illumination(float(y), float(x), float(rng.uniform(*self.vignetting)), self.field_nm)

    def apply(self, image: NDArray[Any], parameters: Illumination) -> NDArray[np.float32]:
        """See `light_unevenly`."""
        return light_unevenly(image, parameters, self.frame)
