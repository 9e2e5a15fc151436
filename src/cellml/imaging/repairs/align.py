"""Displaced sections put back above one another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.imaging.frame import require_range
from cellml.imaging.repairs.sections import Section, Sections


@dataclass(frozen=True)
class SectionAlignment:
    """Registers each section to the one before by phase correlation, and takes out what of the summed shifts is not smooth.

    trend_nm: displacements that change more slowly along z than a Gaussian of this standard deviation are taken for structure that runs
    aslant and stay; none takes out all, which straightens every slanted neurite and lets errors of registration add up. most_nm: a larger
    step between two sections is taken for a failed registration and counts as none. width_nm: structure coarser than this is left out of
    the correlation, for uneven light would hold sections in place. whitening: see `phase_shift`. Whole voxels only: sections are moved,
    not interpolated; what comes in from outside repeats the border.
    """

    trend_nm: float | None = 50.0
    most_nm: float = 200.0
    width_nm: float = 200.0
    whitening: float = 0.25

    def __post_init__(self) -> None:
        require_range(self.most_nm, 0, 1e9, "most_nm")
        require_range(self.width_nm, 1e-3, 1e9, "width_nm")
        require_range(self.whitening, 0, 1, "whitening")
        if self.trend_nm is not None:
            require_range(self.trend_nm, 1e-3, 1e9, "trend_nm")

    def prepare(self, sections: Sections) -> Callable[[int], Section]:
        """Registers all sections."""
        moves = self.corrections(sections)
        return lambda z: moved(sections.read(z), int(moves[z, 0]), int(moves[z, 1]))

    def corrections(self, sections: Sections) -> NDArray[np.int64]:
        """(Z, 2) whole voxels (y, x) by which each section must move."""
        from scipy.ndimage import gaussian_filter1d

        steps, before = np.zeros((sections.depth, 2)), self._detail(sections, 0)
        for z in range(1, sections.depth):
            now = self._detail(sections, z)
            step = phase_shift(before, now, self.whitening)
            steps[z] = step if np.hypot(*(step * sections.spacing[1:])) <= self.most_nm else 0
            before = now
        place = np.cumsum(steps, axis=0)
        trend = place.mean(axis=0) if self.trend_nm is None else gaussian_filter1d(place, self.trend_nm / sections.spacing[0], axis=0)
        return np.asarray(np.round(trend - place), np.int64)

    def _detail(self, sections: Sections, z: int) -> NDArray[np.float32]:
        """The section without what is coarser than width_nm, faded out at its border so that the border does not correlate."""
        from scipy.ndimage import gaussian_filter

        section = sections.read(z)
        detail = section - gaussian_filter(section, [self.width_nm / s for s in sections.spacing[1:]])
        fade = [np.hanning(n + 2)[1:-1] for n in section.shape]
        return np.asarray(detail * fade[0][:, None] * fade[1][None], np.float32)


def phase_shift(first: NDArray[np.float32], second: NDArray[np.float32], whitening: float = 1.0) -> NDArray[np.float64]:
    """Whole voxels (y, x) by which `second` is displaced against `first`: the peak of their correlation.

    F⁻¹(F̄₁ F₂ / |F̄₁ F₂|^w): w = 1 is phase correlation (Kuglin and Hines 1975), in which every frequency has one voice, those of noise too;
    w = 0 is plain cross-correlation, whose peak is broad.
    """
    from scipy.fft import irfft2, rfft2

    product = np.conj(rfft2(first)) * rfft2(second)
    size = np.abs(product)
    correlation = irfft2(product / np.maximum(size, 1e-6 * max(float(size.max()), 1e-30)) ** whitening, s=first.shape)
    peak = np.unravel_index(int(correlation.argmax()), correlation.shape)
    return np.array([p - n if p > n // 2 else p for p, n in zip(peak, correlation.shape, strict=True)], float)


def moved(section: Section, down: int, right: int) -> Section:
    """The section (Y, X) moved by whole voxels; what comes in from outside repeats the border."""
    height, width = section.shape
    y, x = np.clip(np.arange(height) - down, 0, height - 1), np.clip(np.arange(width) - right, 0, width - 1)
    return section[y[:, None], x[None]]
