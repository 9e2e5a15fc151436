"""Tissue packed with neurites: every point belongs to the neurite that reaches it first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.synthetic.grid import Grid

Floats = NDArray[np.float32]

_CHUNK = 16  # voxels along each axis whose nearest neurites are looked for together
_WAVES = 8  # sine waves that bend space


@dataclass(frozen=True)
class Neurites:
    """Segments of random place, direction and length grow at the same rate from their radii until they meet.

    per_um3: their density; radius_nm: median radius and standard deviation of its logarithm: those with a larger one are wider where they
    meet others; length_nm: shortest and longest; bend_nm, wave_nm: root mean square displacement of the space that they are drawn in, and
    the shortest of the sine waves (three times as long the longest) that make it up. The tessellation is an additively weighted Voronoi
    diagram of segments (Okabe et al. 2000, section 3.1.2). Raises CellmlError for numbers that are not positive.
    """

    per_um3: float = 10.0
    radius_nm: tuple[float, float] = (120.0, 0.8)
    length_nm: tuple[float, float] = (500.0, 3000.0)
    bend_nm: float = 60.0
    wave_nm: float = 400.0

    def __post_init__(self) -> None:
        if min(self.per_um3, self.radius_nm[0], *self.length_nm, self.wave_nm) <= 0 or min(self.bend_nm, self.radius_nm[1]) < 0:
            raise CellmlError(f"Neurites need positive densities and lengths, and a spread and a bend of 0 or more; got {self}.")

    def draw(self, box: Grid, rng: np.random.Generator) -> NeuriteTissue:
        """Neurites whose middles lie in a box. Raises CellmlError for a box that is likely to hold none."""
        count = int(rng.poisson(self.per_um3 * box.volume / 1e9))
        if count < 2:
            raise CellmlError(f"A box of {box.volume / 1e9:.3g} µm³ holds {count} neurites at {self.per_um3} per µm³; raise per_um3.")
        low = np.array(box.origin) - np.array(box.spacing) / 2
        directions = rng.normal(size=(count, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        radii = self.radius_nm[0] * np.exp(self.radius_nm[1] * rng.normal(size=count))
        halves = rng.uniform(*self.length_nm, count) / 2
        lengths = self.wave_nm * rng.uniform(1, 3, _WAVES)
        waves = rng.normal(size=(_WAVES, 3))
        waves *= (2 * np.pi / lengths / np.linalg.norm(waves, axis=1))[:, None]
        amplitudes = rng.normal(size=(_WAVES, 3)) * self.bend_nm * np.sqrt(2 / (3 * _WAVES))
        middles = low + rng.uniform(0, 1, (count, 3)) * box.extent
        return NeuriteTissue(middles, directions, halves, radii, waves, rng.uniform(0, 2 * np.pi, _WAVES), amplitudes)


@dataclass(frozen=True, eq=False)
class NeuriteTissue:
    """middles, directions: (N, 3) z, y, x in nm; halves, radii: (N,) nm; waves: (W, 3) rad / nm, phases: (W,), amplitudes: (W, 3) nm."""

    middles: NDArray[np.float64]
    directions: NDArray[np.float64]
    halves: NDArray[np.float64]
    radii: NDArray[np.float64]
    waves: NDArray[np.float64]
    phases: NDArray[np.float64]
    amplitudes: NDArray[np.float64]

    def cells(self, grid: Grid) -> NDArray[np.int32]:
        """1 + the number of the neurite n of least |p − segment n| − radius n, p the displaced centre of the voxel."""
        found = np.empty(grid.shape, np.int32)
        axes = grid.axes()
        for part in _parts(grid.shape):
            points = np.stack(np.meshgrid(*(a[s] for a, s in zip(axes, part, strict=True)), indexing="ij"), axis=-1)
            found[part] = self._nearest(self._bent(points.reshape(-1, 3))).reshape(points.shape[:3])
        return found

    def _bent(self, points: NDArray[np.float64]) -> Floats:
        moved = np.sin(points.astype(np.float32) @ self.waves.T.astype(np.float32) + self.phases.astype(np.float32))
        return np.asarray(points + moved @ self.amplitudes.astype(np.float32), np.float32)

    def _nearest(self, points: Floats) -> NDArray[np.int32]:
        """Points (P, 3) of one part; neurites that cannot be nearest anywhere in the ball around them are left out."""
        centre = (points.min(axis=0) + points.max(axis=0)) / 2
        points = points - centre
        ball = float(np.linalg.norm(points, axis=1).max())
        reach = self._reach(np.zeros((1, 3), np.float32), centre, np.arange(len(self.radii)))[0]
        near = np.flatnonzero(reach <= reach.min() + 2 * ball)
        return np.asarray(1 + near[self._reach(points, centre, near).argmin(axis=1)], np.int32)

    def _reach(self, points: Floats, centre: Floats, rows: NDArray[np.int64]) -> Floats:
        """|p − segment| − radius, (P, rows) nm, from |p − m|² − 2 t (p − m)·d + t² with t on the segment; points (P, 3) from the centre."""
        middles, directions = (self.middles[rows] - centre).astype(np.float32), self.directions[rows].astype(np.float32)
        halves = self.halves[rows].astype(np.float32)
        along = points @ directions.T - (middles * directions).sum(axis=1)
        square = (points**2).sum(axis=1, keepdims=True) - 2 * points @ middles.T + (middles**2).sum(axis=1)
        nearest = np.clip(along, -halves, halves)
        square += nearest * (nearest - 2 * along)
        return np.asarray(np.sqrt(np.maximum(square, 0)) - self.radii[rows].astype(np.float32), np.float32)


def _parts(shape: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    for index in np.ndindex(*(-(-n // _CHUNK) for n in shape)):
        yield tuple(slice(_CHUNK * i, _CHUNK * (i + 1)) for i in index)
