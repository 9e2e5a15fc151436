"""Curtains: stripes along the ion beam where the specimen mills unevenly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.imaging.artefacts.random import RandomArtefact, Range, log_uniform, number_range
from cellml.imaging.frame import Frame, require_image, require_range


@dataclass(frozen=True)
class Curtaining:
    """amplitude: standard deviation of the stripes as a share of the intensity; width_nm: of a stripe (Gaussian correlation, standard
    deviation half of it); persistence_nm: how far a stripe reaches across sections; along_x: stripes run along x instead of y; seed.
    """

    amplitude: float = 0.1
    width_nm: float = 40.0
    persistence_nm: float = 50.0
    along_x: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        require_range(self.amplitude, 0, 1, "curtaining amplitude")
        require_range(self.width_nm, 1e-3, 1e9, "curtaining width_nm")
        require_range(self.persistence_nm, 0, 1e9, "curtaining persistence_nm")


def curtain_profile(sections: int, columns: int, curtaining: Curtaining, frame: Frame) -> NDArray[np.float32]:
    """(Z, columns) stripes of mean 0 and standard deviation 1: white noise, smoothed across the stripes and across sections."""
    from scipy.ndimage import gaussian_filter

    across = frame.spacing[1 if curtaining.along_x else 2]
    noise = np.random.default_rng(curtaining.seed).standard_normal((sections, columns))
    sigma = (curtaining.persistence_nm / frame.spacing[0], 0.5 * curtaining.width_nm / across)
    smooth = gaussian_filter(noise, sigma, mode="reflect")
    smooth -= smooth.mean()
    return np.asarray(smooth / max(float(smooth.std()), 1e-12), np.float32)


def hang_curtains(image: NDArray[Any], curtaining: Curtaining, frame: Frame) -> NDArray[np.float32]:
    """I → I (1 + a p(z, x)): stripes that are constant along y, the beam's direction in the milled face (Z, Y, X).

    Münch et al. 2009 describe such stripes of focused-ion-beam tomography, and their removal.
    """
    grey = require_image(image, "Curtaining")
    columns = grey.shape[-2 if curtaining.along_x else -1]
    profile = curtaining.amplitude * curtain_profile(grey.shape[-3], columns, curtaining, frame)
    return frame.grey(frame.intensity(grey) * (1 + (profile[:, :, None] if curtaining.along_x else profile[:, None, :])))


class RandomCurtaining(RandomArtefact):
    """Curtains: `amplitude` evenly, `width_nm` evenly on a logarithmic scale, `persistence_nm` evenly."""

    def __init__(
        self,
        amplitude: Range = (0.0, 0.1),
        width_nm: Range = (20.0, 200.0),
        persistence_nm: Range = (0.0, 100.0),
        along_x: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self.amplitude, self.along_x = number_range(amplitude, "amplitude", 0, 1), along_x
        self.width_nm, self.persistence_nm = number_range(width_nm, "width_nm", 1e-3), number_range(persistence_nm, "persistence_nm")

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Curtaining:
        """Strength, width, reach and the seed of the stripes."""
        amplitude, persistence = float(rng.uniform(*self.amplitude)), float(rng.uniform(*self.persistence_nm))
        return Curtaining(amplitude, log_uniform(rng, self.width_nm), persistence, self.along_x, int(rng.integers(2**31)))

    def apply(self, image: NDArray[Any], parameters: Curtaining) -> NDArray[np.float32]:
        """See `hang_curtains`."""
        return hang_curtains(image, parameters, self.frame)
