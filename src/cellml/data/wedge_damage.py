"""What a tilt series does to a specimen whose truth is known: projections, their noise, and a reconstruction with a missing wedge.

Rows along the tilt axis are reconstructed independently of each other, so a slab of a few rows and of the specimen's whole cross-section is
damaged exactly as the whole specimen would be: streaks of the tilts' gaps, truncated edges and noise included. A patch cut out first and
damaged then would lack what its surroundings do to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.tomography.sirt import Sirt


@dataclass(frozen=True)
class TiltScheme:
    """One way to tilt: low, high: first and last tilt in degrees; step: degrees between tilts; snr: variance of the noise-free projections
    over that of the noise (inf: none).
    """

    low: float
    high: float
    step: float
    snr: float = np.inf

    @property
    def tilts(self) -> NDArray[np.float64]:
        """(N,) degrees, from low to high."""
        return tilts_of(self.low, self.high, self.step)


def tilts_of(low: float, high: float, step: float) -> NDArray[np.float64]:
    """Tilts from low to at most high in even steps, (N,) degrees. Raises CellmlError for a step that leaves fewer than two tilts."""
    if not step > 0 or not high - low >= step or high - low > 180:
        raise CellmlError(f"Tilts from {low:g}° to {high:g}° in steps of {step:g}° are not a tilt series; low < high, at most 180° apart.")
    return np.asarray(low + step * np.arange(int(np.floor((high - low) / step + 1e-6)) + 1), np.float64)


@dataclass(frozen=True)
class WedgeDamage:
    """Ranges that tilt schemes are drawn from, and how their projections become volumes.

    half_range: degrees, from and to, of the largest tilt on either side, drawn uniformly; slant: degrees by which the middle of the range
    may lie off 0 on either side; step: degrees, one of them; snr: from and to, drawn uniformly in the logarithm; noise_free: share of
    schemes without noise; reconstruction: methods of `cellml.tomography`, (lines, rays) → sections, each one channel of the image.
    Raises CellmlError for ranges that hold no tilt series.
    """

    half_range: Sequence[float] = (60.0, 60.0)
    step: Sequence[float] = (2.0,)
    snr: Sequence[float] = (10.0, 10.0)
    noise_free: float = 0.0
    slant: float = 0.0
    reconstruction: Sequence[Any] = field(default_factory=lambda: (Sirt(5, subsets=10),))

    def __post_init__(self) -> None:
        low, high = _interval(self.half_range, "half_range")
        if not 0 < low <= high + self.slant <= 90 or self.slant < 0 or not self.step or min(self.step) <= 0 or max(self.step) > low:
            raise CellmlError(
                f"Tilts of ±{low:g}° to ±{high:g}°, off centre by up to {self.slant:g}°, in steps of {list(self.step)}° are no tilt "
                "series: ranges lie within ±90°, steps between 0° and the smallest half range."
            )
        if _interval(self.snr, "snr")[0] <= 0 or not 0 <= self.noise_free <= 1 or not self.reconstruction:
            raise CellmlError(
                f"The damage needs a signal-to-noise ratio above 0 (got {list(self.snr)}), a share of noise-free schemes from 0 to 1 (got "
                f"{self.noise_free}) and at least one reconstruction."
            )

    def draw(self, rng: np.random.Generator) -> TiltScheme:
        """One scheme."""
        half, centre = rng.uniform(*_interval(self.half_range, "half_range")), rng.uniform(-self.slant, self.slant)
        step = float(rng.choice(np.asarray(self.step, float)))
        snr = float(np.exp(rng.uniform(*np.log(_interval(self.snr, "snr")))))
        snr = np.inf if rng.uniform() < self.noise_free else snr
        return TiltScheme(float(centre - half), float(centre + half), step, snr)

    def apply(self, truth: NDArray[np.float32], scheme: TiltScheme, rng: np.random.Generator) -> NDArray[np.float32]:
        """Truth (Z, Y, X), tilt axis along Y, mean near 0 → reconstructions (C, Z, Y, X), each of mean 0 and deviation 1."""
        from cellml.tomography.reconstruction import sections, value_unit

        projections = noisy_projections(truth, scheme, rng)
        unit = value_unit(projections, len(truth))
        volumes = [sections(projections, scheme.tilts, len(truth), method, unit=unit) for method in self.reconstruction]
        return np.stack([standardised(volume) for volume in volumes])

    def describe(self) -> dict[str, Any]:
        """What a checkpoint must know: plain numbers and the methods' names."""
        numbers = {"half_range": [float(v) for v in self.half_range], "step": [float(v) for v in self.step], "slant": float(self.slant)}
        noise = {"snr": [float(v) for v in self.snr], "noise_free": float(self.noise_free)}
        return {**numbers, **noise, "reconstruction": [repr(method) for method in self.reconstruction]}


def noisy_projections(truth: NDArray[np.float32], scheme: TiltScheme, rng: np.random.Generator) -> NDArray[np.float32]:
    """Projections (N, Y, X) of (Z, Y, X) with white noise of the scheme's signal-to-noise ratio, pooled over tilts and rows."""
    clean = clean_projections(truth, scheme.tilts)
    if not np.isfinite(scheme.snr):
        return clean
    return clean + rng.standard_normal(clean.shape, dtype=np.float32) * np.float32(clean.std(dtype=np.float64) / np.sqrt(scheme.snr))


def clean_projections(truth: NDArray[np.float32], tilts: NDArray[np.float64]) -> NDArray[np.float32]:
    """Projections (N, Y, X) of (Z, Y, X) at tilts (N,) in degrees, as wide as the volume."""
    from cellml.tomography.geometry import rays
    from cellml.tomography.kernels import project

    geometry = rays(tilts, depth=truth.shape[0], breadth=truth.shape[2])
    return np.ascontiguousarray(project(np.ascontiguousarray(truth.transpose(0, 2, 1), np.float32), geometry).transpose(0, 2, 1))


def standardised(volume: NDArray[Any]) -> NDArray[np.float32]:
    """The volume with mean 0 and deviation 1; a constant one becomes 0."""
    centred = volume.astype(np.float32) - np.float32(volume.mean(dtype=np.float64))
    return np.asarray(centred / max(float(centred.std(dtype=np.float64)), 1e-12), np.float32)


def _interval(values: Sequence[float], name: str) -> tuple[float, float]:
    if len(values) != 2 or not values[0] <= values[1]:
        raise CellmlError(f"data.damage.{name} must be two numbers, from and to; got {list(values)}.")
    return float(values[0]), float(values[1])
