"""Weights of projections in Fourier space, for back-projection.

A filter is a dataclass whose `response(frequencies, rays)` gives one weight for each tilt and frequency, (N, F), with frequencies along u
in cycles a pixel. The weights hold all that turns a plain sum over tilts into density: the ramp |f| and each tilt's share of angle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.tomography.geometry import Rays

Floats = NDArray[np.float64]


class Filter(Protocol):
    """What back-projection needs of a filter."""

    def response(self, frequencies: Floats, rays: Rays) -> Floats:
        """Weights (N, F) of the frequencies (F,) ≥ 0 in cycles a pixel, from 0 to 1/2 in even steps."""
        ...


def angular_shares(rays: Rays) -> Floats:
    """The angle in radians that each tilt stands for, (N,): half of what lies between its neighbours on both sides.

    The first and the last tilt stand for as much outside as inside, so that evenly spaced tilts weigh the same; where the gap that is left
    of 180° is no wider than twice the mean step, the range is closed and its ends are neighbours. A doubled direction (-90° and 90°) is
    shared.
    """
    angles = np.mod(np.arctan2(rays.sin, rays.cos), np.pi)
    order = np.argsort(angles, kind="stable")
    steps = np.diff(angles[order], append=angles[order[0]] + np.pi)
    widest = int(steps.argmax())
    order, steps = np.roll(order, -widest - 1), np.roll(steps, -widest - 1)
    if len(angles) == 1:
        return np.full(1, np.pi)
    if steps[-1] > 2 * steps[:-1].mean():
        before, after = np.append(steps[0], steps[:-1]), np.append(steps[:-1], steps[-2])
    else:
        before, after = np.roll(steps, 1), steps
    shares = np.empty(len(angles))
    shares[order] = (before + after) / 2
    return shares


def ramp(frequencies: Floats) -> Floats:
    """|f| as the transform of its band-limited samples, which keeps the mean: at 0 it is a little above zero.

    Kak and Slaney, Principles of Computerized Tomographic Imaging (1988), eq. 61: h(0) = 1/4, h(n) = -1 / (π n)² for odd n, else 0.
    """
    half = len(frequencies) - 1
    n = np.arange(half + 1)
    kernel = np.where(n % 2 == 1, -1.0 / (np.pi * np.maximum(n, 1)) ** 2, 0.0)
    kernel[0] = 0.25
    return np.asarray(np.fft.rfft(np.concatenate([kernel, kernel[-2:0:-1]])).real)


@dataclass(frozen=True)
class Ramp:
    """|f| up to `cutoff` cycles a pixel: the inverse of projection, noise and all. Raises CellmlError for a cutoff outside (0, 1/2]."""

    cutoff: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.cutoff <= 0.5:
            raise CellmlError(f"The cutoff of a filter must lie above 0 and at most at 0.5 cycles a pixel (Nyquist); got {self.cutoff!r}.")

    def window(self, relative: Floats) -> Floats:
        """What multiplies the ramp, at frequencies relative to the cutoff."""
        return np.ones_like(relative)

    def response(self, frequencies: Floats, rays: Rays) -> Floats:
        """Share of angle × ramp × window, (N, F); zero above the cutoff."""
        relative = frequencies / self.cutoff
        windowed = np.where(relative <= 1, self.window(np.minimum(relative, 1)), 0.0) * ramp(frequencies)
        return angular_shares(rays)[:, None] * windowed


@dataclass(frozen=True)
class SheppLogan(Ramp):
    """The ramp times sinc: what averaging over a pixel makes of it (Shepp and Logan, IEEE Trans. Nucl. Sci. 21, 21, 1974)."""

    def window(self, relative: Floats) -> Floats:
        """2/π at the cutoff."""
        return np.asarray(np.sinc(relative / 2))


@dataclass(frozen=True)
class Cosine(Ramp):
    """The ramp times a quarter of a cosine, zero at the cutoff."""

    def window(self, relative: Floats) -> Floats:
        """0 at the cutoff."""
        return np.asarray(np.cos(np.pi / 2 * relative))


@dataclass(frozen=True)
class Hamming(Ramp):
    """The ramp times Hamming's raised cosine, 0.08 at the cutoff."""

    def window(self, relative: Floats) -> Floats:
        """0.08 at the cutoff."""
        return np.asarray(0.54 + 0.46 * np.cos(np.pi * relative))


@dataclass(frozen=True)
class Hann(Ramp):
    """The ramp times Hann's raised cosine, zero at the cutoff."""

    def window(self, relative: Floats) -> Floats:
        """0 at the cutoff."""
        return np.asarray(0.5 + 0.5 * np.cos(np.pi * relative))


def overlap(frequencies: Floats, rays: Rays) -> Floats:
    """How many tilts measure a frequency, (N, F): Σ over tilts j of max(0, 1 - D f |sin(t - t_j)|), the tilt itself among them.

    A specimen of thickness D blurs each central slice to a sheet 1 / D thick; Harauz and van Heel, Optik 73, 146 (1986).
    """
    sines = np.abs(rays.sin[:, None] * rays.cos[None] - rays.cos[:, None] * rays.sin[None])
    found = np.zeros((len(rays.cos), len(frequencies)))
    for distance in sines.T:
        found += np.maximum(0.0, 1.0 - rays.depth * distance[:, None] * frequencies[None])
    return found


@dataclass(frozen=True)
class Exact:
    """Weights for arbitrary tilts: each frequency divided by how many tilts measure it (Harauz and van Heel 1986).

    Unlike the ramp it treats low frequencies, which all tilts measure, and uneven spacing as what they are, and it keeps the mean.
    """

    def response(self, frequencies: Floats, rays: Rays) -> Floats:
        """1 / (D × overlap), (N, F)."""
        return np.asarray(1.0 / (rays.depth * overlap(frequencies, rays)))


@dataclass(frozen=True)
class SirtLike:
    """The exact weights damped to what `iterations` of SIRT would have recovered: 1 - (1 - overlap / N)^iterations.

    In Fourier space SIRT multiplies the error of a frequency by 1 minus the share of the tilts that measure it (Zeng, Phys. Med. Biol. 57,
    309, 2012). One back-projection then looks like many iterations. Raises CellmlError for fewer than one iteration.
    """

    iterations: int = 20

    def __post_init__(self) -> None:
        if self.iterations < 1:
            raise CellmlError(f"The SIRT-like filter needs at least 1 iteration, got {self.iterations!r}.")

    def response(self, frequencies: Floats, rays: Rays) -> Floats:
        """(1 - (1 - overlap / N)^iterations) / (D × overlap), (N, F)."""
        shared = overlap(frequencies, rays)
        return np.asarray((1.0 - (1.0 - shared / len(rays.cos)) ** self.iterations) / (rays.depth * shared))
