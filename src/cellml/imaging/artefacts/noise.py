"""Counting statistics of electrons, and the noise of the amplifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.imaging.artefacts.random import RandomArtefact, Range, log_uniform, number_range
from cellml.imaging.frame import Frame, require_image, require_range


@dataclass(frozen=True)
class Noise:
    """electrons: detected a voxel at the mean intensity, infinite for none of the noise; read_noise: standard deviation of the amplifier in
    electrons; seed: of the noise itself.
    """

    electrons: float = 100.0
    read_noise: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        require_range(self.electrons, 1e-6, np.inf, "electrons a voxel")
        require_range(self.read_noise, 0, 1e6, "read_noise (electrons)")


def add_noise(image: NDArray[Any], noise: Noise, frame: Frame) -> NDArray[np.float32]:
    """Poisson–Gaussian noise: n = Poisson(N I) + Normal(0, r²) electrons, where I is the relative intensity (Foi et al. 2008, eq. 1–3).

    image: (…, Z, Y, X) grey values; N: electrons, r: read_noise. In electrons the variance is the mean plus r². Intensities below 0 count
    as 0. Returns float32 of the same shape.
    """
    grey = require_image(image, "Noise")
    if np.isinf(noise.electrons):
        return grey.copy()
    rng = np.random.default_rng(noise.seed)
    mean = noise.electrons * np.maximum(frame.intensity(grey).astype(np.float64), 0)
    counted = rng.poisson(mean) if noise.electrons < 1e9 else rng.normal(mean, np.sqrt(mean))
    if noise.read_noise:
        counted = counted + rng.normal(0, noise.read_noise, mean.shape)
    return frame.grey(counted / noise.electrons)


class RandomNoise(RandomArtefact):
    """Poisson–Gaussian noise with `electrons` a voxel drawn evenly on a logarithmic scale and `read_noise` (electrons) evenly."""

    def __init__(self, electrons: Range = (10.0, 300.0), read_noise: Range = (0.0, 2.0), **more: Any) -> None:
        super().__init__(**more)
        self.electrons = number_range(electrons, "electrons", 1e-6)
        self.read_noise = number_range(read_noise, "read_noise")

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Noise:
        """Dose, read noise and the seed of the noise."""
        return Noise(log_uniform(rng, self.electrons), float(rng.uniform(*self.read_noise)), int(rng.integers(2**31)))

    def apply(self, image: NDArray[Any], parameters: Noise) -> NDArray[np.float32]:
        """See `add_noise`."""
        return add_noise(image, parameters, self.frame)
