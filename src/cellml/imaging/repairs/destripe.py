"""Curtains taken down: stripes along one direction of a section."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.imaging.frame import require_range
from cellml.imaging.repairs.sections import Section, Sections


@dataclass(frozen=True)
class Destripe:
    """Divides each section by its stripes: what is smooth along the beam and, across it, varies faster than the specimen does.

    The stripes of a section are its mean along y, over a Gaussian of standard deviation length_nm (none: the whole height), relative to the
    same smoothed across x by width_nm. This damps the Fourier coefficients near k_y = 0 and leaves the low k_x, as Münch et al. 2009 do for
    each wavelet scale. Structure that is itself smooth along y over length_nm is damped with them. along_x: stripes run along x instead;
    black: grey value of no electron; persistence_nm: standard deviation along z of a mean over sections, 0 for each section alone: curtains
    reach through sections, the chance mean of structure less so.
    """

    width_nm: float = 200.0
    length_nm: float | None = None
    persistence_nm: float = 0.0
    along_x: bool = False
    black: float = 0.0

    def __post_init__(self) -> None:
        require_range(self.width_nm, 1e-3, 1e9, "width_nm")
        require_range(self.persistence_nm, 0, 1e9, "persistence_nm")
        if self.length_nm is not None:
            require_range(self.length_nm, 1e-3, 1e9, "length_nm")

    def prepare(self, sections: Sections) -> Callable[[int], Section]:
        """Nothing to measure beforehand: a section's stripes come from it and its neighbours."""

        def repaired(z: int) -> Section:
            stripes = self._stripes(sections, z)
            section = self._turned(sections.read(z))
            return np.ascontiguousarray(self._turned((section - np.float32(self.black)) / stripes + np.float32(self.black)))

        return repaired

    def _stripes(self, sections: Sections, z: int) -> NDArray[np.float32]:
        """Relative brightness of the stripes, (Y or 1, X), about 1. Raises CellmlError where the section is not above black on average."""
        from scipy.ndimage import gaussian_filter1d

        means = self._mean_along(sections, z)
        if not (means > 0).all():
            raise CellmlError(
                f"{sections.name}: section {z} has columns whose mean is not above black={self.black:g}; give its grey value."
            )
        logarithm = np.log(means)
        _, y, x = sections.spacing
        return np.asarray(np.exp(logarithm - gaussian_filter1d(logarithm, self.width_nm / (y if self.along_x else x), axis=1)), np.float32)

    def _mean_along(self, sections: Sections, z: int) -> NDArray[np.float64]:
        from scipy.ndimage import gaussian_filter1d

        reach = int(3 * self.persistence_nm / sections.spacing[0] + 0.5)
        total, weights = np.zeros_like(self._turned(sections.read(z)), np.float64), 0.0
        for other in range(max(0, z - reach), min(sections.depth, z + reach + 1)):
            weight = float(np.exp(-0.5 * ((other - z) * sections.spacing[0] / max(self.persistence_nm, 1e-9)) ** 2))
            total, weights = total + weight * self._turned(sections.read(other)).astype(np.float64), weights + weight
        mean = np.asarray(total / weights - self.black)
        if self.length_nm is None:
            return mean.mean(axis=0, keepdims=True)
        _, y, x = sections.spacing
        return np.asarray(gaussian_filter1d(mean, self.length_nm / (x if self.along_x else y), axis=0))

    def _turned(self, section: Section) -> Section:
        return section.T if self.along_x else section
