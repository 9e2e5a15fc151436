"""How sections follow each other: shifts, sudden changes of contrast and of sharpness."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CROP = 256  # pixels of the middle of each section that are compared


@dataclass
class SectionSurvey:
    """Statistics of each section's middle, first channel.

    sharpness: (Z,) mean square of the Laplacian over the variance; shifts: (Z − 1, 2) pixels (y, x) by which a section has moved against
    the one before; likeness: (Z − 1,) their correlation where they lie; aligned: the same after the shift is undone. NaN for blank and
    non-finite sections.
    """

    sharpness: list[float] = field(default_factory=list)
    shifts: list[tuple[float, float]] = field(default_factory=list)
    likeness: list[float] = field(default_factory=list)
    aligned: list[float] = field(default_factory=list)
    _last: NDArray[np.float64] | None = None

    def add(self, section: NDArray[Any]) -> None:
        """Take in the next section (y, x)."""
        current = _standardised(_middle(section))
        self.sharpness.append(np.nan if current is None else _sharpness(current))
        if len(self.sharpness) > 1:
            if current is None or self._last is None:
                self.shifts.append((np.nan, np.nan))
                self.likeness.append(np.nan)
                self.aligned.append(np.nan)
            else:
                shift = _shift(self._last, current)
                self.shifts.append(shift)
                self.likeness.append(float((self._last * current).mean()))
                self.aligned.append(_correlation_at(self._last, current, shift))
        self._last = current


def survey_sections(slabs: Iterable[tuple[int, NDArray[Any]]]) -> SectionSurvey:
    """Look at the middle of every section; slabs as `cellml.data.slabs.slabs` gives them. One section is kept at a time."""
    survey = SectionSurvey()
    for _, block in slabs:
        for section in block[0]:
            survey.add(section)
    return survey


def _middle(section: NDArray[Any]) -> NDArray[np.float64]:
    parts = tuple(slice((n - min(n, _CROP)) // 2, (n - min(n, _CROP)) // 2 + min(n, _CROP)) for n in section.shape)
    return np.asarray(section[parts], np.float64)


def _standardised(section: NDArray[np.float64]) -> NDArray[np.float64] | None:
    spread = section.std()
    if not np.isfinite(spread) or spread <= 1e-12 * max(1.0, abs(float(section.mean()))):
        return None
    return (section - section.mean()) / spread


def _sharpness(section: NDArray[np.float64]) -> float:
    """Mean square of the 5-point Laplacian of a standardised section: noise and fine detail have much, blur takes it away."""
    if min(section.shape) < 3:
        return np.nan
    inner = section[1:-1, 1:-1]
    laplacian = section[2:, 1:-1] + section[:-2, 1:-1] + section[1:-1, 2:] + section[1:-1, :-2] - 4 * inner
    return float((laplacian**2).mean())


def _shift(before: NDArray[np.float64], after: NDArray[np.float64]) -> tuple[float, float]:
    """Whole pixels (y, x) by which `after` has moved, by the peak of the cross-correlation, tapered and smoothed (Guizar-Sicairos 2008)."""
    taper = np.outer(*(np.hanning(n + 2)[1:-1] for n in before.shape))
    spectra = [np.fft.rfft2(section * taper) for section in (before, after)]
    frequency = np.hypot(np.fft.fftfreq(before.shape[0])[:, None], np.fft.rfftfreq(before.shape[1])[None])
    band = np.exp(-0.5 * (frequency / 0.15) ** 2)  # noise differs from section to section, shapes do not
    cross = np.fft.irfft2(np.conj(spectra[0]) * spectra[1] * band, s=before.shape)
    peak = np.unravel_index(int(cross.argmax()), cross.shape)
    y, x = (int(p) - n if p > n // 2 else int(p) for p, n in zip(peak, cross.shape, strict=True))
    return (float(y), float(x))


def _correlation_at(before: NDArray[np.float64], after: NDArray[np.float64], shift: tuple[float, float]) -> float:
    """Correlation of what overlaps after moving `after` back."""
    here, there = [], []
    for move, n in zip(shift, before.shape, strict=True):
        d = int(move)
        here.append(slice(max(0, -d), n - max(0, d)))
        there.append(slice(max(0, d), n - max(0, -d)))
    a, b = before[tuple(here)], after[tuple(there)]
    if a.size < 16 or a.std() == 0 or b.std() == 0:
        return np.nan
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
