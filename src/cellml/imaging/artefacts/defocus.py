"""A probe out of focus: round, or drawn out by astigmatism."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.imaging.artefacts.random import RandomArtefact, Range, number_range
from cellml.imaging.frame import Frame, require_image, require_range


@dataclass(frozen=True)
class Defocus:
    """defocus_nm: distance of the specimen from the focus; astigmatism_nm: distance between the two line foci; angle_deg: direction, from x
    towards y, in which the focus lies half of it farther; half_angle_mrad: half the opening of the beam's cone (5 to 10 in a scanning
    microscope). The probe's radius is half_angle · defocus: 1 µm and 10 mrad make 10 nm.
    """

    defocus_nm: float = 0.0
    astigmatism_nm: float = 0.0
    angle_deg: float = 0.0
    half_angle_mrad: float = 8.0

    def __post_init__(self) -> None:
        require_range(abs(self.defocus_nm), 0, 1e7, "defocus_nm, its absolute value,")
        require_range(self.astigmatism_nm, 0, 1e7, "astigmatism_nm")
        require_range(self.half_angle_mrad, 0, 500, "half_angle_mrad")

    @property
    def radii_nm(self) -> tuple[float, float]:
        """Radius of the probe along angle_deg and across it: α |Δ ± A/2|."""
        alpha, half = 1e-3 * self.half_angle_mrad, 0.5 * self.astigmatism_nm
        return (alpha * abs(self.defocus_nm + half), alpha * abs(self.defocus_nm - half))


def probe_transfer(frequency_y: NDArray[Any], frequency_x: NDArray[Any], defocus: Defocus) -> NDArray[np.float64]:
    """Transfer function of a uniform elliptic probe, T = 2 J₁(2πρ) / (2πρ) with ρ² = (r₁ f₁)² + (r₂ f₂)² in its own axes.

    frequencies: in cycles per nm. The Fourier transform of a disc (geometrical optics: Goodman 2005, section 6.4).
    """
    from scipy.special import j1

    angle, (along, across) = math.radians(defocus.angle_deg), defocus.radii_nm
    first = frequency_x * math.cos(angle) + frequency_y * math.sin(angle)
    second = frequency_y * math.cos(angle) - frequency_x * math.sin(angle)
    argument = 2 * np.pi * np.hypot(along * first, across * second)
    safe = np.where(argument > 1e-6, argument, 1.0)
    return np.asarray(np.where(argument > 1e-6, 2 * j1(safe) / safe, 1.0))


def blur_probe(image: NDArray[Any], defocus: Defocus, frame: Frame) -> NDArray[np.float32]:
    """Each section of the image (…, Z, Y, X) convolved with the probe; beyond its border the image is mirrored.

    The mean of a section is kept. Sections are blurred one by one: in a scanning microscope, depth of focus exceeds their thickness.
    """
    from scipy.fft import irfft2, rfft2

    grey = require_image(image, "Defocus")
    reach = max(defocus.radii_nm)
    if reach < 1e-3 * min(frame.spacing[1:]):
        return grey.copy()
    height, width = grey.shape[-2:]
    pad_y, pad_x = (min(int(reach / s) + 2, n) for s, n in zip(frame.spacing[1:], (height, width), strict=True))
    fy = np.fft.fftfreq(height + 2 * pad_y, frame.spacing[1])[:, None]
    fx = np.fft.rfftfreq(width + 2 * pad_x, frame.spacing[2])[None]
    transfer = probe_transfer(fy, fx, defocus).astype(np.float32)
    blurred = np.empty_like(grey)
    for index in np.ndindex(grey.shape[:-2]):
        padded = np.pad(grey[index], ((pad_y, pad_y), (pad_x, pad_x)), mode="symmetric")
        done = irfft2(rfft2(padded) * transfer, s=padded.shape)
        blurred[index] = done[pad_y : pad_y + height, pad_x : pad_x + width]
    return blurred


class RandomDefocus(RandomArtefact):
    """A probe out of focus by `defocus_nm`, drawn evenly."""

    def __init__(self, defocus_nm: Range = (0.0, 1500.0), half_angle_mrad: float = 8.0, **more: Any) -> None:
        super().__init__(**more)
        self.defocus_nm, self.half_angle_mrad = number_range(defocus_nm, "defocus_nm"), half_angle_mrad

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Defocus:
        """The defocus."""
        return Defocus(float(rng.uniform(*self.defocus_nm)), half_angle_mrad=self.half_angle_mrad)

    def apply(self, image: NDArray[Any], parameters: Defocus) -> NDArray[np.float32]:
        """See `blur_probe`."""
        return blur_probe(image, parameters, self.frame)


class RandomAstigmatism(RandomDefocus):
    """A probe with two line foci `astigmatism_nm` apart, in any direction, out of focus by `defocus_nm`."""

    def __init__(self, astigmatism_nm: Range = (0.0, 3000.0), defocus_nm: Range = (0.0, 500.0), **more: Any) -> None:
        super().__init__(defocus_nm, **more)
        self.astigmatism_nm = number_range(astigmatism_nm, "astigmatism_nm")

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Defocus:
        """Defocus, astigmatism and its direction."""
        round_probe = super().draw(rng, shape)
        return Defocus(round_probe.defocus_nm, float(rng.uniform(*self.astigmatism_nm)), float(rng.uniform(0, 180)), self.half_angle_mrad)
