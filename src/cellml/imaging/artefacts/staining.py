"""Membranes that took no stain in places."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.imaging.artefacts.random import RandomArtefact, Range, log_uniform, number_range
from cellml.imaging.frame import Frame, require_image, require_range


@dataclass(frozen=True)
class Staining:
    """share: of the volume in which stain is missing; gap_nm: size of a gap (correlation length of the random field that decides where);
    loss: share of the stain that is lost there; membrane_nm: dark structures thinner than this lose it; seed.
    """

    share: float = 0.1
    gap_nm: float = 40.0
    loss: float = 1.0
    membrane_nm: float = 50.0
    seed: int = 0

    def __post_init__(self) -> None:
        require_range(self.share, 0, 1, "share of missing stain")
        require_range(self.loss, 0, 1, "loss of stain")
        require_range(self.gap_nm, 1e-3, 1e9, "gap_nm")
        require_range(self.membrane_nm, 1e-3, 1e9, "membrane_nm")


def unstained(shape: tuple[int, ...], staining: Staining, frame: Frame) -> NDArray[np.float32]:
    """Where stain is missing, (Z, Y, X) in [0, 1]: a Gaussian random field above its (1 − share) quantile, with soft rims."""
    from scipy.ndimage import gaussian_filter

    if staining.share in (0.0, 1.0):
        return np.full(shape, staining.share, np.float32)
    noise = np.random.default_rng(staining.seed).standard_normal(shape, dtype=np.float32)
    field = gaussian_filter(noise, [0.5 * s for s in frame.voxels(staining.gap_nm)], mode="reflect")
    field = (field - field.mean()) / max(float(field.std()), 1e-12)
    threshold = NormalDist().inv_cdf(1 - staining.share)
    return np.asarray(1 / (1 + np.exp(np.clip(-(field - threshold) / 0.05, -50, 50))), np.float32)


def lose_stain(image: NDArray[Any], staining: Staining, frame: Frame) -> NDArray[np.float32]:
    """Dark stain is lost: v → v + loss · m (closing(v) − v), m: `unstained`; image: (…, Z, Y, X).

    A grey closing fills dark structures thinner than membrane_nm with what surrounds them, so that cytoplasm runs through the gap.
    Raises CellmlError where the membrane is thinner than a voxel, for it could not be seen.
    """
    from scipy.ndimage import grey_closing

    grey = require_image(image, "Discontinuous staining")
    size = [2 * round(0.5 * v) + 1 for v in frame.voxels(staining.membrane_nm)]
    if max(size) == 1:
        raise CellmlError(
            f"membrane_nm={staining.membrane_nm:g} is below the voxel size {frame.spacing} nm; no such membrane is in the image."
        )
    if staining.loss == 0 or staining.share == 0:
        return grey.copy()
    weight = staining.loss * unstained(grey.shape[-3:], staining, frame)
    changed = np.empty_like(grey)
    for index in np.ndindex(grey.shape[:-3]):
        filled = grey_closing(grey[index], size=size, mode="reflect")
        changed[index] = grey[index] + weight * (filled - grey[index])
    return changed


class RandomStaining(RandomArtefact):
    """Gaps in membranes: `share` and `loss` evenly, `gap_nm` evenly on a logarithmic scale."""

    def __init__(
        self, share: Range = (0.0, 0.1), gap_nm: Range = (20.0, 80.0), loss: Range = (0.3, 1.0), membrane_nm: float = 50.0, **more: Any
    ) -> None:
        super().__init__(**more)
        self.share, self.gap_nm = number_range(share, "share", 0, 1), number_range(gap_nm, "gap_nm", 1e-3)
        self.loss, self.membrane_nm = number_range(loss, "loss", 0, 1), membrane_nm

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Staining:
        """How much, how large, how deep, and the seed of where."""
        share, loss = float(rng.uniform(*self.share)), float(rng.uniform(*self.loss))
        return Staining(share, log_uniform(rng, self.gap_nm), loss, self.membrane_nm, int(rng.integers(2**31)))

    def apply(self, image: NDArray[Any], parameters: Staining) -> NDArray[np.float32]:
        """See `lose_stain`."""
        return lose_stain(image, parameters, self.frame)
