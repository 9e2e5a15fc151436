"""From grey values to a mask: the thresholds of classical recipes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cellml.annotation.recipe import Stage, Step
from cellml.errors import CellmlError


@dataclass(frozen=True)
class OtsuThreshold(Step):
    """The thresholds between `classes` grey classes that leave the least variance within them (Otsu 1979; several: Liao et al. 2001).

    keep: numbers of the classes to take, 0 the darkest.
    """

    classes: int = 2
    keep: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keep", tuple(int(k) for k in self.keep))
        if not 2 <= self.classes <= 5 or not self.keep or not all(0 <= k < self.classes for k in self.keep):
            raise CellmlError(f"classes={self.classes} must be 2 to 5, and keep={list(self.keep)} numbers from 0 to {self.classes - 1}.")

    def __call__(self, stage: Stage) -> Stage:
        """Make the mask. Raises CellmlError where the image has fewer grey values than classes."""
        from skimage.filters import threshold_multiotsu

        try:
            limits = threshold_multiotsu(stage.image.ravel(), classes=self.classes)
        except ValueError as error:
            raise CellmlError(f"The image has too few grey values for {self.classes} classes ({error}).") from error
        return replace(stage, mask=np.isin(np.digitize(stage.image, limits), self.keep))


@dataclass(frozen=True)
class GreyRange(Step):
    """Grey values from low to high, both included; None is open."""

    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if self.low is None and self.high is None:
            raise CellmlError("A grey range needs low, high or both.")

    def __call__(self, stage: Stage) -> Stage:
        """Make the mask."""
        mask = np.ones(stage.image.shape, bool)
        mask &= stage.image >= self.low if self.low is not None else True
        mask &= stage.image <= self.high if self.high is not None else True
        return replace(stage, mask=mask)


@dataclass(frozen=True)
class LocalThreshold(Step):
    """Voxels that differ from their surroundings by so many standard deviations of these: I < μ_σ − k s_σ (Niblack 1986, Gaussian weights).

    sigma_nm: of the surroundings, within sections where these are thicker than it; deviations: k; bright: the other side, I > μ_σ + k s_σ.
    """

    sigma_nm: float = 500.0
    deviations: float = 0.5
    bright: bool = False

    def __call__(self, stage: Stage) -> Stage:
        """Make the mask."""
        from scipy.ndimage import gaussian_filter

        sigma = [self.sigma_nm / s if s < self.sigma_nm else 0.0 for s in stage.spacing]
        mean = gaussian_filter(stage.image, sigma, mode="mirror")
        spread = np.sqrt(np.maximum(gaussian_filter(stage.image**2, sigma, mode="mirror") - mean**2, 0))
        distance = stage.image - mean if self.bright else mean - stage.image
        return replace(stage, mask=distance > self.deviations * spread)
