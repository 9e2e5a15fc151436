"""Which directions and frequencies of a repaired volume were inferred: its energy in Fourier space, parted by the weights of measurements.

    E_inferred(k) = (1 − w(k)) |F(k)|²,    E_measured(k) = w(k) |F(k)|²

summed over k_y, along which a tilt series measures all coefficients alike, and over cells of frequency and direction in the plane
(k_x, k_z) across the tilt axis. In that plane a tilt of t degrees measured the direction t.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.tomography.geometry import SENSE
from cellml.tomography.wedge import frequencies
from cellml.types import Volume

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class InferredSpectrum:
    """radius: (S + 1,) edges in 1/nm, the last ring being what lies beyond the Nyquist frequency; direction: (D + 1,) edges in degrees
    from −90 to 90; inferred, total: (S, D) energies, the total of all cells being 1; unmeasured: (S, D), the part of the inferred energy
    where the weight is 0.
    """

    radius: Floats
    direction: Floats
    inferred: Floats
    total: Floats
    unmeasured: Floats

    @property
    def share(self) -> Floats:
        """Share of each cell's energy that was inferred, (S, D); NaN where there is none."""
        return _ratio(self.inferred, self.total)

    @property
    def by_direction(self) -> Floats:
        """The same for each direction, (D,)."""
        return _ratio(self.inferred.sum(axis=0), self.total.sum(axis=0))

    @property
    def by_radius(self) -> Floats:
        """The same for each frequency across the tilt axis, (S,)."""
        return _ratio(self.inferred.sum(axis=1), self.total.sum(axis=1))

    @property
    def whole(self) -> float:
        """Share of the volume's energy (its variance) that was inferred, 0 to 1; 0 for a constant volume."""
        return float(self.inferred.sum() / self.total.sum()) if self.total.sum() > 0 else 0.0

    @property
    def whole_unmeasured(self) -> float:
        """The part of it where no measurement had a weight: the wedge, gaps between tilts and what lies beyond the Nyquist frequency."""
        return float(self.unmeasured.sum() / self.total.sum()) if self.total.sum() > 0 else 0.0


def inferred_spectrum(volume: Volume, weights: NDArray[Any], *, rings: int = 16, sectors: int = 36) -> InferredSpectrum:
    """Energies by frequency and direction.

    volume: (Z, Y, X), whose mean is left out; weights: 0 to 1, of coefficients in rfftn's layout, broadcastable; rings: of equal width up
    to the Nyquist frequency, beyond which there is one more; sectors: of equal width, that of ±90° in two halves. What varies along the
    tilt axis alone has no direction and stands at 0°. Directions are those of the voxel grid, frequencies count with its spacing along x.
    """
    from scipy.fft import rfftn

    kz, _, kx = frequencies(volume.shape)
    coefficients = rfftn(np.asarray(volume.data, np.float32) - np.float32(volume.data.mean(dtype=np.float64)), overwrite_x=True)
    twice = np.where((kx[0] == 0) | (kx[0] == 0.5), 1.0, 2.0)  # all other columns stand for their mirror images too
    inferred, total, unmeasured = np.zeros((3, volume.shape[0], kx.size))
    for section, plane in enumerate(coefficients):
        power, weight = np.abs(plane) ** 2 * twice, weights[section % len(weights)].astype(np.float64)
        inferred[section], total[section] = (power * (1 - weight)).sum(axis=0), power.sum(axis=0)
        unmeasured[section] = (power * (weight == 0)).sum(axis=0)
    radius, direction = np.hypot(kz[:, 0], kx[0]), np.rad2deg(np.arctan2(SENSE * kz[:, 0], kx[0]))
    half = 90 / sectors  # 0° is the middle of a sector: few coefficients of a thin volume have other directions near it
    edges = [
        np.append(np.linspace(0, 0.5, rings + 1), np.sqrt(0.5) + 1e-9),
        np.concatenate([[-90], np.linspace(half - 90, 90 - half, sectors), [90]]),
    ]
    cells = [
        np.histogram2d(radius.ravel(), np.broadcast_to(direction, radius.shape).ravel(), bins=edges, weights=energy.ravel())[0]
        for energy in (inferred, total, unmeasured)
    ]
    scale = max(float(cells[1].sum()), 1e-300)
    return InferredSpectrum(edges[0] / volume.spacing[2], edges[1], *(energy / scale for energy in cells))


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole > 0)
