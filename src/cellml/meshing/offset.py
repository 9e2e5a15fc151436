"""Give back the volume that flat facets cut off a curved surface.

Facets with their corners on a convex surface enclose less than the surface does. Moving the corners outwards by a common small distance, a
few hundredths of a voxel, puts the enclosed volume back to that of the voxels.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.cut import volumes
from cellml.meshing.topology import Index

Floats = NDArray[np.float64]


def restore_volume(
    points: Floats, tets: Index, membrane: Index, planes: Mapping[tuple[int, int], float], target: float, *, limit: float
) -> tuple[Floats, float]:
    """Move the corners of the membrane along their normals so that all tetrahedra together have a volume.

    points: (P, 3), columns (x, y, z) in nm; membrane: (F, 3) facets that move, counter-clockwise from outside; planes: walls, by (axis,
    side), axes (z, y, x), in which their corners stay; target: nm³; limit: largest move in nm. Returns the points and the move in nm,
    positive outwards; the points are unchanged and the move is 0 if a tetrahedron would lose half its volume.
    """
    if len(membrane) == 0:
        return points, 0.0
    normals = _normals(points, membrane, planes, limit)
    before = volumes(points, tets)
    move, missing, slope = 0.0, target - before.sum(), _swept_area(points, membrane, normals)
    for _ in range(3):
        move = float(np.clip(move + missing / slope, -limit, limit))
        moved = points + move * normals
        missing = target - volumes(moved, tets).sum()
    if (volumes(moved, tets) < 0.5 * before).any():
        return points, 0.0
    return moved, move


def _normals(points: Floats, membrane: Index, planes: Mapping[tuple[int, int], float], reach: float) -> Floats:
    """Area-weighted unit normals at the corners of facets, zero elsewhere, tangential to a wall within `reach` nm of it, (P, 3)."""
    area = _area_vectors(points, membrane)
    normals = np.zeros_like(points)
    for corner in range(3):
        np.add.at(normals, membrane[:, corner], area)
    for (axis, _), plane in planes.items():
        normals[np.abs(points[:, 2 - axis] - plane) <= reach, 2 - axis] = 0.0
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return normals / np.where(length > 0, length, 1.0)


def _swept_area(points: Floats, membrane: Index, normals: Floats) -> float:
    """dV/dδ at δ = 0: area vectors times the mean normal of their corners, in nm²."""
    return float(np.einsum("ij,ij->", _area_vectors(points, membrane), normals[membrane].mean(axis=1)))


def _area_vectors(points: Floats, facets: Index) -> Floats:
    a, b, c = (points[facets[:, i]] for i in range(3))
    return np.asarray(0.5 * np.cross(b - a, c - a))
