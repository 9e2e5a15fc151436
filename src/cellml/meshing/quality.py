"""Angles and shapes of tetrahedra and triangles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.tetrahedron import TET_EDGES, TET_FACES

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


def dihedral_angles(points: Floats, tets: Index) -> Floats:
    """Dihedral angles of tetrahedra in degrees, (T, 6), in the order of edges 01, 02, 03, 12, 13, 23.

    The angle at an edge is 180° less that between the outward normals of the two faces that meet there. A regular tetrahedron has
    arccos(1/3) = 70.53° throughout. points: (P, 3); tets: (T, 4), positively oriented.
    """
    normals = []
    for face in TET_FACES:
        a, b, c = (points[tets[:, corner]] for corner in face)
        normal = np.cross(b - a, c - a)
        normals.append(normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-300))
    angles = []
    for i, j in TET_EDGES:
        # The faces that meet at edge (i, j) are those opposite to the other two corners.
        k, m = (corner for corner in range(4) if corner not in (i, j))
        cosine = -np.einsum("ij,ij->i", normals[k], normals[m])
        angles.append(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
    return np.stack(angles, axis=1)


def surface_angles(points: Floats, faces: Index) -> Floats:
    """Corner angles of triangles in degrees, (F, 3), at corners 0, 1, 2; points: (P, 3); faces: (F, 3)."""
    angles = []
    for i in range(3):
        a, b, c = (points[faces[:, (i + k) % 3]] for k in range(3))
        u, v = b - a, c - a
        sine = np.linalg.norm(np.cross(u, v), axis=1)
        angles.append(np.degrees(np.arctan2(sine, np.einsum("ij,ij->i", u, v))))
    return np.stack(angles, axis=1)


def radius_ratio(points: Floats, tets: Index) -> Floats:
    """3 r_in / r_circ of tetrahedra, (T,): 1 for a regular tetrahedron, 0 for a flat one.

    r_in = 3V / ΣA; r_circ = |α| / 12V with α = |d|²(b×c) + |b|²(c×d) + |c|²(d×b), edges b, c, d from corner 0 (Shewchuk 2002, table 6).
    """
    origin = points[tets[:, 0]]
    b, c, d = (points[tets[:, i]] - origin for i in (1, 2, 3))
    volume = np.einsum("ij,ij->i", b, np.cross(c, d)) / 6.0
    area = sum(0.5 * np.linalg.norm(np.cross(u, v), axis=1) for u, v in ((b, c), (c, d), (d, b), (c - b, d - b)))

    def square(v: Floats) -> Floats:
        return np.asarray(np.einsum("ij,ij->i", v, v))[:, None]

    alpha = np.linalg.norm(square(d) * np.cross(b, c) + square(b) * np.cross(c, d) + square(c) * np.cross(d, b), axis=1)
    return np.asarray(108.0 * volume**2 / np.maximum(alpha * area, 1e-300))
