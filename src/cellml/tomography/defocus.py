"""Blur by defocus, which differs across a tilted specimen: half of it lies higher than the tilt axis, half lower."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cellml.imaging.artefacts.defocus import Defocus, probe_transfer
from cellml.imaging.frame import require_range
from cellml.tomography.geometry import SENSE
from cellml.types import TiltSeries

Floats = NDArray[np.float64]


class Optics(Protocol):
    """What a microscope does to a projection. defocus_nm: at the tilt axis; step_nm: over which one transfer function does for all."""

    defocus_nm: float
    step_nm: float

    def transfer(self, frequency_y: Floats, frequency_x: Floats, defocus_nm: float) -> Floats:
        """Transfer function at frequencies in cycles per nm."""
        ...


@dataclass(frozen=True)
class PhaseContrast:
    """A transmission microscope of parallel light: contrast by interference, whose sign changes with frequency.

    defocus_nm: distance below focus (positive: underfocus); voltage_kv; cs_mm: spherical aberration; amplitude: share of amplitude
    contrast; envelope_nm: distance at which partial coherence leaves 1/e of the contrast, 0 for none.
    """

    defocus_nm: float = 3000.0
    voltage_kv: float = 300.0
    cs_mm: float = 2.7
    amplitude: float = 0.1
    envelope_nm: float = 0.5
    step_nm: float = 100.0

    def __post_init__(self) -> None:
        require_range(abs(self.defocus_nm), 0, 1e6, "defocus_nm, its absolute value,")
        require_range(self.voltage_kv, 10, 3000, "voltage_kv")
        require_range(self.cs_mm, 0, 100, "cs_mm")
        require_range(self.amplitude, 0, 1, "amplitude, the share of amplitude contrast,")
        require_range(self.envelope_nm, 0, 1e4, "envelope_nm")
        require_range(self.step_nm, 1e-3, 1e6, "step_nm")

    @property
    def wavelength_nm(self) -> float:
        """Of an electron: λ = h / √(2 m e V (1 + e V / 2 m c²)); 0.00197 nm at 300 kV."""
        volts = 1e3 * self.voltage_kv
        return 1.2264259 / math.sqrt(volts * (1 + 0.97847e-6 * volts))

    def transfer(self, frequency_y: Floats, frequency_x: Floats, defocus_nm: float) -> Floats:
        """H(k) = [√(1 − A²) sin χ + A cos χ] exp(−(k d)²), χ = π λ Δ k² − π/2 C λ³ k⁴ (Wade 1992; Frank 2006, section 2.3).

        Positive at low frequencies for underfocus, where dense structure is then dark in counts and high in the projection. At k = 0 it is
        A: a phase contrast image hardly knows the mean density.
        """
        square = np.asarray(frequency_y) ** 2 + np.asarray(frequency_x) ** 2
        wave = self.wavelength_nm
        phase = np.pi * wave * defocus_nm * square - 0.5 * np.pi * self.cs_mm * 1e6 * wave**3 * square**2
        contrast = math.sqrt(1 - self.amplitude**2) * np.sin(phase) + self.amplitude * np.cos(phase)
        return np.asarray(contrast * np.exp(-square * self.envelope_nm**2))


@dataclass(frozen=True)
class ScannedProbe:
    """A scanning microscope: the probe is a disc of radius half_angle · defocus, and contrast keeps its sign and its mean."""

    defocus_nm: float = 0.0
    half_angle_mrad: float = 2.0
    step_nm: float = 200.0

    def __post_init__(self) -> None:
        Defocus(self.defocus_nm, half_angle_mrad=self.half_angle_mrad)
        require_range(self.step_nm, 1e-3, 1e6, "step_nm")

    def transfer(self, frequency_y: Floats, frequency_x: Floats, defocus_nm: float) -> Floats:
        """See `cellml.imaging.artefacts.defocus.probe_transfer`."""
        return probe_transfer(frequency_y, frequency_x, Defocus(defocus_nm, half_angle_mrad=self.half_angle_mrad))


def defocused(series: TiltSeries, optics: Optics) -> TiltSeries:
    """The projections as these optics image them.

    At the distance u from the axis, a specimen tilted by t has the height h = − SENSE u tan t along the beam, with z towards the source,
    and the defocus Δ − h. Each projection is imaged at defoci step_nm apart, and each column interpolated between the two that enclose it.
    """
    width = series.data.shape[2]
    across = (np.arange(width) - (width - 1) / 2) * series.pixel
    result = np.empty(series.data.shape, np.float32)
    for image, tilt, target in zip(series.data, series.tilts, result, strict=True):
        # Near ±90° the slab would be seen edge-on and its height without bound.
        height = across * math.tan(math.radians(max(-85.0, min(85.0, tilt)))) * -SENSE
        levels = (optics.defocus_nm - height) / optics.step_nm
        target[:] = _imaged(image, levels, _filtering(image, series.pixel, optics))
    return replace(series, data=result)


def _imaged(image: NDArray[Any], levels: Floats, filtered: Callable[[int], NDArray[np.float32]]) -> NDArray[np.float32]:
    """Each column between the images of the two whole levels that enclose its own."""
    low = np.floor(levels).astype(int)
    part = (levels - low).astype(np.float32)
    result = np.zeros(image.shape, np.float32)
    for level in range(int(low.min()), int(low.max()) + 2):
        weight = np.where(low == level, 1 - part, 0) + np.where(low == level - 1, part, 0)
        if weight.any():
            result += weight * filtered(level)
    return result


def _filtering(image: NDArray[Any], pixel: float, optics: Optics) -> Callable[[int], NDArray[np.float32]]:
    """The image at a level of defocus; mirrored beyond its border, for a jump there would ring into it."""
    from scipy.fft import irfft2, rfft2

    height, width = image.shape
    pad_y, pad_x = height // 2, width // 2
    padded = np.pad(np.asarray(image, np.float32), ((pad_y, pad_y), (pad_x, pad_x)), mode="symmetric")
    spectrum = rfft2(padded)
    fy = np.asarray(np.fft.fftfreq(padded.shape[0], pixel)[:, None], np.float64)
    fx = np.asarray(np.fft.rfftfreq(padded.shape[1], pixel)[None], np.float64)

    def filtered(level: int) -> NDArray[np.float32]:
        transfer = optics.transfer(fy, fx, level * optics.step_nm).astype(np.float32)
        return np.asarray(irfft2(spectrum * transfer, s=padded.shape)[pad_y : pad_y + height, pad_x : pad_x + width], np.float32)

    return filtered
