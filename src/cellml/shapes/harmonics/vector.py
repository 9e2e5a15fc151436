"""Any closed surface without handles: x, y and z as functions on a sphere onto which it is laid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.harmonics.basis import check_degree, real_harmonics
from cellml.shapes.harmonics.coefficients import Harmonics
from cellml.shapes.harmonics.geodesic import geodesic_sphere, split_in_four
from cellml.shapes.harmonics.sphere_map import SphereMap, sphere_map
from cellml.shapes.harmonics.star import check_samples, volume_centroid, weighted_fit
from cellml.types import Surface

Floats = NDArray[np.float64]

_SAMPLES = 4  # samples for each coefficient that a fit wants
_RUNS_AWAY = 1.5  # times the reach of the surface, which a series leaves where nothing holds it


@dataclass(frozen=True, eq=False)
class VectorFit:
    """harmonics: x, y, z about the centroid; map: the surface on the sphere; error: area-weighted root mean square distance, nm, between
    samples of the surface and their places in the series; splits: how often faces were cut into four for it.
    """

    harmonics: Harmonics
    map: SphereMap
    error: float
    splits: int


def fit_vector(surface: Surface, degree: int, *, given: SphereMap | None = None, refine: bool = True) -> VectorFit:
    """Coefficients of x, y and z of a closed surface of genus 0 up to a degree.

    min Σ_v w_v |x_v − Σ c_lm y_lm(n_v)|² over its vertices, n_v their place on the sphere (`sphere_map`), w_v the area of the surface that
    is theirs (SPHARM, Brechbühler et al. 1995).

    given: a map made before; refine: cut the faces of a surface with fewer than 4 vertices a coefficient into four, once or more, as the
    flat faces are part of it; where False such a surface must have as many vertices as coefficients. Raises CellmlError for surfaces that
    are no deformed spheres, and for more coefficients than vertices.
    """
    check_degree(degree)
    place = sphere_map(surface) if given is None else given
    used = np.unique(surface.faces)
    if not refine:
        check_samples(len(used), degree, surface.name)
    if (degree + 1) ** 2 > 16 * len(used):
        raise CellmlError(
            f"{surface.name!r} has {len(used)} vertices, and degree {degree} has {(degree + 1) ** 2} coefficients for each of x, y and z; "
            f"take degree {int(4 * len(used) ** 0.5) - 1} or less: what lies between the vertices is flat."
        )
    centre = volume_centroid(surface)
    points, directions, faces, splits = surface.vertices - centre, place.directions, surface.faces, 0
    while refine and len(np.unique(faces)) < _SAMPLES * (degree + 1) ** 2:
        points, _, _ = split_in_four(points, faces)
        directions, faces, _ = split_in_four(directions, faces)
        directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        splits += 1
    areas = Surface(points, faces).areas()
    weights = np.bincount(faces.ravel(), weights=np.repeat(areas / (3 * areas.sum()), 3), minlength=len(points))
    kept = weights > 0
    basis = real_harmonics(directions[kept], degree)
    values = weighted_fit(basis, points[kept], np.asarray(weights[kept], np.float64))
    square = ((points[kept] - basis @ values) ** 2).sum(axis=1)
    error = float(np.sqrt(np.average(square, weights=weights[kept])))
    _require_held(values, points[kept], degree, surface.name)
    return VectorFit(Harmonics(values.T, centre, surface.name), place, error, splits)


def _require_held(values: Floats, points: Floats, degree: int, name: str) -> None:
    """Raise CellmlError where the series runs away between its samples, in a part of the sphere that hardly any face covers."""
    reach = float(np.linalg.norm(points, axis=1).max())
    series = float(np.linalg.norm(real_harmonics(geodesic_sphere(4)[0], degree) @ values, axis=1).max())
    if series > _RUNS_AWAY * reach:
        raise CellmlError(
            f"The series of degree {degree} of {name!r} reaches {series:.3g} nm from its middle, and the surface only {reach:.3g} nm: its "
            "map leaves a part of the sphere without samples. Take a lower degree, or leave the shape out."
        )
