"""One contrast and brightness for all sections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cellml.imaging.frame import require_range
from cellml.imaging.repairs.sections import Section, Sections


@dataclass(frozen=True)
class SectionEqualisation:
    """Gives every section the mean and standard deviation of its surroundings: v → m̄(z) + s̄(z) (v − m(z)) / s(z).

    width_nm: m̄ and s̄ are the sections' own values smoothed along z by a Gaussian of this standard deviation, so that what changes slowly,
    such as more and less cytoplasm, stays; none for one mean and deviation everywhere. Blank sections (no deviation) keep their values and
    do not count.
    """

    width_nm: float | None = None

    def __post_init__(self) -> None:
        if self.width_nm is not None:
            require_range(self.width_nm, 1e-3, 1e12, "width_nm")

    def prepare(self, sections: Sections) -> Callable[[int], Section]:
        """Measures mean and deviation of each section."""
        moments = np.array([_moments(sections.read(z)) for z in range(sections.depth)])
        there = moments[:, 1] > 0
        wanted = self._smoothed(moments, there, sections.spacing[0])

        def repaired(z: int) -> Section:
            (mean, deviation), (new_mean, new_deviation) = moments[z], wanted[z]
            section = sections.read(z)
            return section if deviation == 0 else np.asarray(new_mean + (section - mean) * (new_deviation / deviation), np.float32)

        return repaired

    def _smoothed(self, moments: np.ndarray, there: np.ndarray, step: float) -> np.ndarray:
        from scipy.ndimage import gaussian_filter1d

        if self.width_nm is None or not there.any():
            mean = moments[there].mean(axis=0) if there.any() else np.zeros(2)
            return np.broadcast_to(mean, moments.shape)
        sigma = self.width_nm / step
        weight = gaussian_filter1d(there.astype(float), sigma)
        sums = gaussian_filter1d(np.where(there[:, None], moments, 0.0), sigma, axis=0)
        return np.asarray(sums / np.maximum(weight, 1e-12)[:, None])


def _moments(section: Section) -> tuple[float, float]:
    return float(section.mean(dtype=np.float64)), float(section.std(dtype=np.float64))
