"""A phantom whose projections are known in closed form: elliptic cylinders of constant density along the tilt axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.tomography.geometry import centre, direction
from cellml.types import TiltSeries

Floats = NDArray[np.float64]

# (density, z, x, half-axis along z, half-axis along x), lengths in halves of the width: a cell with a nucleus and two grains, in vacuum.
CELL = ((1.0, 0.0, 0.0, 0.4, 0.72), (-0.6, 0.05, 0.1, 0.3, 0.5), (0.8, 0.15, -0.15, 0.08, 0.12), (0.7, -0.1, 0.3, 0.06, 0.06))


def section(depth: int, breadth: int, ellipses: Any = CELL, fine: int = 8) -> Floats:
    """(depth, breadth): the mean density of each voxel, from fine × fine points in it."""
    z, x = _points(depth, fine)[:, None], _points(breadth, fine)[None]
    half, total = breadth / 2, np.zeros((depth * fine, breadth * fine))
    for density, cz, cx, az, ax in ellipses:
        total += density * (((z / half - cz) / az) ** 2 + ((x / half - cx) / ax) ** 2 <= 1)
    return np.asarray(total.reshape(depth, fine, breadth, fine).mean((1, 3)))


def line_integrals(tilts: Any, breadth: int, ellipses: Any = CELL, fine: int = 8) -> Floats:
    """(N, breadth): integrals along rays at tilts in degrees, in value × voxel, averaged over `fine` rays in each pixel.

    An ellipse with half-axes a and b has at distance d from its centre the chord 2 a b √(r² - d²) / r², where r² = a² cos² + b² sin² is its
    half-width seen from this side (Kak and Slaney 1988, section 3.1).
    """
    cos, sin = direction(tilts)
    u, half = _points(breadth, fine)[None] / (breadth / 2), breadth / 2
    total = np.zeros((len(cos), breadth * fine))
    for density, cz, cx, az, ax in ellipses:
        reach = ((ax * cos) ** 2 + (az * sin) ** 2)[:, None]
        inside = reach - (u - (cx * cos + cz * sin)[:, None]) ** 2
        total += density * 2 * az * ax * np.sqrt(np.maximum(inside, 0)) / reach
    return np.asarray(total.reshape(len(cos), breadth, fine).mean(2) * half)


def ellipse_series(tilts: Any, breadth: int, rows: int = 1, pixel: float = 1.0, ellipses: Any = CELL) -> TiltSeries:
    """The phantom's exact projections, the same in all rows, as float32."""
    lines = line_integrals(tilts, breadth, ellipses)
    return TiltSeries(np.repeat(lines[:, None], rows, 1).astype(np.float32), np.asarray(tilts, np.float64), pixel, name="ellipses")


def _points(size: int, fine: int) -> Floats:
    """Middles of `fine` parts of each of `size` voxels, from the centre of the axis."""
    return np.asarray((np.arange(size)[:, None] + (np.arange(fine) + 0.5)[None] / fine - 0.5).ravel() - centre(size))
