"""Harmonic descriptors of a shape that hold for any surface, however it was made: what is inside, on concentric spheres.

For a sphere of radius r about the centroid, f_r(n) is 1 where centroid + r n is inside; its harmonic coefficients of one degree have the
norm ‖f_r‖_l = √Σ_m c_lm², which no rotation changes (Kazhdan, Funkhouser & Rusinkiewicz 2003, section 3). They need no parameterisation and
no correspondence, so that models of coefficients and of grids are judged alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.descriptors import centroid
from cellml.types import Surface

Floats = NDArray[np.float64]

_LEVEL = 3  # 642 directions


def shell_radii(surfaces: Sequence[Surface], count: int = 8) -> Floats:
    """Radii (count,) in nm, at even quantiles from 10 to 95 % of how far vertices of the surfaces are from their centroid."""
    if not surfaces:
        raise CellmlError("There is no surface to choose radii for.")
    away = [np.linalg.norm(surface.vertices - centroid(surface), axis=1) for surface in surfaces]
    even = np.concatenate([np.quantile(one, np.linspace(0, 1, 101)) for one in away])  # each shape counts alike
    return np.asarray(np.quantile(even, np.linspace(0.10, 0.95, count)))


def shell_energies(surface: Surface, radii: Floats, degree: int = 8) -> Floats:
    """‖f_r‖_l over radii (R,) in nm and degrees 0 … `degree`, (R, degree + 1), without unit; the same for a turned or shifted shape up to
    the sampling of directions.
    """
    from cellml.shapes.harmonics.basis import real_harmonics
    from cellml.shapes.harmonics.geodesic import geodesic_sphere
    from cellml.surfaces.winding import winding_number

    directions, _ = geodesic_sphere(_LEVEL)
    points = (centroid(surface) + np.asarray(radii)[:, None, None] * directions).reshape(-1, 3)
    inside = (winding_number(surface.vertices, surface.faces, points) > 0.5).reshape(len(radii), -1)
    coefficients = 4 * np.pi / len(directions) * inside @ real_harmonics(directions, degree)
    starts = np.arange(degree + 1) ** 2
    return np.sqrt(np.add.reduceat(coefficients**2, starts, axis=1))


def shell_table(surfaces: Sequence[Surface], radii: Floats, degree: int = 8) -> Floats:
    """The energies of surfaces as rows, (N, R · (degree + 1))."""
    return np.stack([shell_energies(surface, radii, degree).ravel() for surface in surfaces])
