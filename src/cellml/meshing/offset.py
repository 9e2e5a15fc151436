"""Give back the volume that flat facets cut off curved surfaces.

Facets with their corners on a convex surface enclose less than the surface does. Each surface between two regions, or a region and the
outside, moves along its normals by a small distance of its own, so that every region has its volume again; among all such moves the
smallest is taken.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.cut import volumes
from cellml.meshing.facets import OUTSIDE, surface_facets
from cellml.meshing.topology import Index

Floats = NDArray[np.float64]

_ROUNDS = 3
_FREEZES = 4  # times that corners of squeezed tetrahedra are taken out of the move


def restore_volumes(
    points: Floats,
    tets: Index,
    regions: NDArray[np.int32],
    planes: Mapping[tuple[int, int], float],
    targets: Mapping[int, float],
    *,
    limit: float,
) -> tuple[Floats, float]:
    """Move surfaces along their normals so that regions have given volumes.

    points: (P, 3), columns (x, y, z) in nm; tets: (T, 4); regions: (T,); planes: walls, by (axis, side), axes (z, y, x), in which their
    points stay; targets: nm³ by region; limit: largest move in nm. Corners of tetrahedra that would lose half their volume stay where they
    are. Returns the points and the largest move in nm.
    """
    facets, low, high = surface_facets(tets, regions)
    on_wall = np.zeros(len(facets), bool)
    for (axis, _), plane in planes.items():
        on_wall |= (low == OUTSIDE) & (points[facets][:, :, 2 - axis] == plane).all(axis=1)
    facets, low, high = facets[~on_wall], low[~on_wall], high[~on_wall]
    if len(facets) == 0:
        return points, 0.0
    pairs, which = np.unique(np.stack([low, high], axis=1), axis=0, return_inverse=True)
    # Facets point away from the lower region, but from the only one on the outside: a move along the normal is a gain of that region.
    gain = np.where(pairs[:, 0] == OUTSIDE, pairs[:, 1], pairs[:, 0])
    loss = np.where(pairs[:, 0] == OUTSIDE, OUTSIDE, pairs[:, 1])
    groups = [facets[which.reshape(-1) == k] for k in range(len(pairs))]
    signs = np.array([(gain == n) * 1.0 - (loss == n) for n in sorted(targets)])
    wanted = np.array([targets[n] for n in sorted(targets)])
    before, fixed = volumes(points, tets), np.zeros(len(points), bool)
    for _ in range(_FREEZES):
        directions = [_normals(points, group, planes, limit) for group in groups]
        for used, normal in directions:
            normal[fixed[used]] = 0.0
        swept = np.array([_swept(points, group, *direction) for group, direction in zip(groups, directions, strict=True)])
        moved, move_nm = _moved(points, tets, regions, directions, signs * swept, wanted, sorted(targets), limit)
        squeezed = volumes(moved, tets) < 0.5 * before
        if not squeezed.any():
            return moved, move_nm
        fixed[tets[squeezed]] = True
    return points, 0.0


def _moved(
    points: Floats,
    tets: Index,
    regions: NDArray[np.int32],
    directions: list[tuple[Index, Floats]],
    slope: Floats,
    wanted: Floats,
    numbers: list[int],
    limit: float,
) -> tuple[Floats, float]:
    """Newton's method on the moves of all surfaces; slope: (regions, surfaces) of dV/dδ in nm², wanted: (regions,) in nm³."""
    moves, moved = np.zeros(len(directions)), points
    for _ in range(_ROUNDS):
        now = np.array([volumes(moved, tets[regions == number]).sum() for number in numbers])
        moves = np.clip(moves + np.linalg.lstsq(slope, wanted - now, rcond=1e-9)[0], -limit, limit)
        moved = points.copy()
        for move, (used, normal) in zip(moves, directions, strict=True):
            moved[used] += move * normal
    return moved, float(np.abs(moves).max())


def _normals(points: Floats, facets: Index, planes: Mapping[tuple[int, int], float], reach: float) -> tuple[Index, Floats]:
    """Corners of facets (U,) and their area-weighted unit normals (U, 3), tangential to a wall within `reach` nm of it."""
    area = _area_vectors(points, facets)
    used, corner = np.unique(facets, return_inverse=True)
    normals = np.zeros((len(used), 3))
    for column in corner.reshape(facets.shape).T:
        np.add.at(normals, column, area)
    for (axis, _), plane in planes.items():
        normals[np.abs(points[used, 2 - axis] - plane) <= reach, 2 - axis] = 0.0
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return used, normals / np.where(length > 0, length, 1.0)


def _swept(points: Floats, facets: Index, used: Index, normals: Floats) -> float:
    """dV/dδ at δ = 0: area vectors times the mean normal of their corners, in nm²."""
    mean = normals[np.searchsorted(used, facets)].mean(axis=1)
    return float(np.einsum("ij,ij->", _area_vectors(points, facets), mean))


def _area_vectors(points: Floats, facets: Index) -> Floats:
    a, b, c = (points[facets[:, i]] for i in range(3))
    return np.asarray(0.5 * np.cross(b - a, c - a))
