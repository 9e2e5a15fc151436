"""Pull apart facets of the outer surface that cross over a thin gap.

Optimisation sees the inside only: where two sheets of the surface face each other over a gap of less than the distance that they may stray,
they can pass through one another although every tetrahedron is sound. Their corners are drawn back inwards.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.cut import volumes
from cellml.meshing.facets import OUTSIDE, surface_facets
from cellml.meshing.intersections import crossing_facets
from cellml.meshing.topology import Index

Floats = NDArray[np.float64]

_ROUNDS = 16
_LEAST_VOLUME = 0.4  # of its volume that every tetrahedron keeps in a round


def separate(
    points: Floats, tets: Index, regions: NDArray[np.int32], planes: Mapping[tuple[int, int], float], *, step_nm: float
) -> tuple[Floats, int]:
    """Draw the corners of crossing outer facets inwards, `step_nm` a round, until none cross or nothing can move.

    points: (P, 3), columns (x, y, z) in nm; tets: (T, 4); regions: (T,); planes: walls by (axis, side), axes (z, y, x), in which points
    stay. Returns the points and how many of them were moved.
    """
    facets, low, _ = surface_facets(tets, regions)
    facets = facets[low == OUTSIDE]
    moved = np.zeros(len(points), bool)
    for _ in range(_ROUNDS):
        crossing = crossing_facets(points, facets)
        if len(crossing) == 0:
            break
        corners = np.unique(facets[crossing])
        shift = -step_nm * _normals(points, facets, corners)
        for (axis, _), plane in planes.items():
            shift[points[corners, 2 - axis] == plane, 2 - axis] = 0.0
        candidate, kept = _without_squeezing(points, tets, corners, shift)
        if not kept.any():
            break
        points = candidate
        moved[corners[kept]] = True
    return points, int(moved.sum())


def _without_squeezing(points: Floats, tets: Index, corners: Index, shift: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Points with those corners shifted that squeeze no tetrahedron, and which those are."""
    touched = np.zeros(len(points), bool)
    touched[corners] = True
    near = tets[touched[tets].any(axis=1)]
    before = volumes(points, near)
    kept = np.ones(len(corners), bool)
    while True:
        candidate = points.copy()
        candidate[corners[kept]] += shift[kept]
        bad = volumes(candidate, near) < _LEAST_VOLUME * before
        if not bad.any() or not kept.any():
            return candidate, kept
        kept &= ~np.isin(corners, near[bad])


def _normals(points: Floats, facets: Index, corners: Index) -> Floats:
    """Unit area-weighted normals of the surface at corners, (C, 3)."""
    chosen = facets[np.isin(facets, corners).any(axis=1)]
    a, b, c = (points[chosen[:, i]] for i in range(3))
    area = np.cross(b - a, c - a)
    normals = np.zeros((len(corners), 3))
    for column in chosen.T:
        place = np.searchsorted(corners, column)
        here = corners[np.minimum(place, len(corners) - 1)] == column
        np.add.at(normals, place[here], area[here])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return normals / np.where(length > 0, length, 1.0)
