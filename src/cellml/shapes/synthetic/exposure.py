"""What a microscope records of stained tissue: thick sections, a blurred probe, uneven light, counted electrons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.imaging.artefacts.illumination import Illumination, light_unevenly
from cellml.imaging.artefacts.noise import Noise, add_noise
from cellml.imaging.artefacts.section_contrast import SectionContrast, jump_contrast
from cellml.imaging.frame import Frame
from cellml.types import Triple

Image = NDArray[np.float32]


@dataclass(frozen=True)
class Exposure:
    """psf_nm: standard deviation of the probe within sections; electrons: least and largest dose a voxel, drawn evenly on a logarithmic
    scale for each block; tilt: largest change of the light from the centre to the edge, as a share; contrast, brightness: spreads of the
    jumps from section to section (see `SectionContrast`). Raises CellmlError for a negative blur and a dose that is none.
    """

    psf_nm: float = 6.0
    electrons: tuple[float, float] = (20.0, 100.0)
    tilt: float = 0.1
    contrast: float = 0.05
    brightness: float = 0.1

    def __post_init__(self) -> None:
        if self.psf_nm < 0 or not 0 < self.electrons[0] <= self.electrons[1]:
            raise CellmlError(f"An exposure needs a blur of 0 nm or more and a range of doses above 0, got {self}.")

    def project(self, tissue: Image, steps: int, spacing: Triple) -> Image:
        """Sections (Z, Y, X) of tissue (Z · steps, Y, X): the mean over each one's thickness, blurred by the probe; no noise yet.

        spacing: (z, y, x) of the sections, nm.
        """
        from scipy.ndimage import gaussian_filter

        thick = tissue.reshape(-1, steps, *tissue.shape[1:]).mean(axis=1)
        return np.asarray(gaussian_filter(thick, (0, self.psf_nm / spacing[1], self.psf_nm / spacing[2]), mode="reflect"), np.float32)

    def record(self, sections: Image, spacing: Triple, rng: np.random.Generator) -> Image:
        """Grey values that are counted: Poisson noise of the mean dose at the mean brightness; black is 0."""
        sections = np.maximum(sections, 0)
        mean, deviation = float(sections.mean()), float(sections.std())
        frame = Frame(spacing, mean, max(deviation, 1e-6), max(deviation, 1e-6) / max(mean, 1e-6))
        tilt = rng.uniform(-self.tilt, self.tilt, 2)
        lit = light_unevenly(sections, Illumination(float(tilt[0]), float(tilt[1])), frame)
        lit = jump_contrast(lit, SectionContrast.drawn(len(lit), self.contrast, self.brightness, rng), frame)
        dose = float(np.exp(rng.uniform(*np.log(self.electrons))))
        return add_noise(lit, Noise(dose, 0.0, int(rng.integers(2**31))), frame)
