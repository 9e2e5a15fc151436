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
_LEAVES, _RUNS_AWAY = 1.05, 1.5  # times the reach of the surface, which a series leaves where nothing holds it
_HOLD = 0.03  # weight of all directions alike, of that of the surface
_HOLD_LEVEL = 4  # of the geodesic sphere that they are taken from: 2562 directions


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
    is theirs (SPHARM, Brechbühler et al. 1995). Where a part of the sphere has hardly any samples nothing holds the series there: if it
    leaves the surface's reach by more than 5 %, evenly spread directions count too, with 3 % of the weight, at the places that the map
    gives them on the faces.

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
    shares = np.asarray(weights[kept], np.float64)
    values = weighted_fit(basis, points[kept], shares)
    if _excursion(values, points[kept], degree) > _LEAVES:
        values = _held(basis, points[kept], shares, _even_samples(directions, faces, points), degree)
    square = ((points[kept] - basis @ values) ** 2).sum(axis=1)
    error = float(np.sqrt(np.average(square, weights=weights[kept])))
    _require_held(values, points[kept], degree, surface.name)
    return VectorFit(Harmonics(values.T, centre, surface.name), place, error, splits)


def _excursion(values: Floats, points: Floats, degree: int) -> float:
    """Farthest point of a series over the farthest of the surface, both from its middle."""
    series = float(np.linalg.norm(real_harmonics(geodesic_sphere(_HOLD_LEVEL)[0], degree) @ values, axis=1).max())
    return series / float(np.linalg.norm(points, axis=1).max())


def _held(basis: Floats, points: Floats, weights: Floats, even: Floats, degree: int) -> Floats:
    """Coefficients (K, 3) of samples (N, 3) with weights of sum 1, and of points (M, 3) at evenly spread directions."""
    sphere = geodesic_sphere(_HOLD_LEVEL)[0]
    both = np.concatenate([basis, real_harmonics(sphere, degree)])
    shares = np.concatenate([weights, np.full(len(sphere), _HOLD / len(sphere))])
    return weighted_fit(both, np.concatenate([points, even]), shares)


def _even_samples(directions: Floats, faces: NDArray[np.int64], points: Floats) -> Floats:
    """Where a map takes evenly spread directions, (M, 3): the point of the face whose flat image on the sphere is the nearest."""
    from cellml.surfaces.winding import closest_points

    _, face, nearest = closest_points(directions, faces, geodesic_sphere(_HOLD_LEVEL)[0])
    first, second, third = (directions[faces[face, corner]] for corner in range(3))
    sides = np.stack([second - first, third - first], axis=2)
    gram = np.einsum("nik,nil->nkl", sides, sides) + 1e-14 * np.eye(2)
    along = np.linalg.solve(gram, np.einsum("nik,ni->nk", sides, nearest - first)[..., None])[..., 0]
    second_share, third_share = np.clip(along, 0.0, 1.0).T
    third_share = np.minimum(third_share, 1.0 - second_share)
    shares = np.stack([1.0 - second_share - third_share, second_share, third_share], axis=1)
    return np.einsum("nc,nck->nk", shares, points[faces[face]])


def _require_held(values: Floats, points: Floats, degree: int, name: str) -> None:
    """Raise CellmlError where the series runs away between its samples all the same."""
    excursion = _excursion(values, points, degree)
    if excursion > _RUNS_AWAY:
        raise CellmlError(
            f"The series of degree {degree} of {name!r} reaches {excursion:.2g} times as far as the surface: its map leaves "
            "a part of the sphere without samples. Take a lower degree, or leave the shape out."
        )
