"""Damages of two steps, or drawn for the image at hand, in the form of `cellml.imaging.artefacts`: an image and its frame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.imaging.artefacts.defocus import Defocus, blur_probe
from cellml.imaging.artefacts.noise import Noise, add_noise
from cellml.imaging.artefacts.section_contrast import SectionContrast, jump_contrast
from cellml.imaging.frame import Frame


def blurred_and_noisy(image: NDArray[Any], frame: Frame, *, defocus: Defocus, noise: Noise) -> NDArray[np.float32]:
    """The image (Z, Y, X) out of focus, and then counted: noise is not blurred."""
    return add_noise(blur_probe(image, defocus, frame), noise, frame)


def jumping(image: NDArray[Any], frame: Frame, *, contrast: float, brightness: float, seed: int) -> NDArray[np.float32]:
    """Contrast and brightness of each section (Z, Y, X) drawn anew; see `SectionContrast.drawn`."""
    return jump_contrast(image, SectionContrast.drawn(len(image), contrast, brightness, np.random.default_rng(seed)), frame)
