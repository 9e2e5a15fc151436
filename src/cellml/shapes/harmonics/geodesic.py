"""Geodesic spheres: an icosahedron whose faces are split in four, again and again."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.meshing.topology import edges_of

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

HIGHEST_LEVEL = 8


@cache
def geodesic_sphere(level: int) -> tuple[Floats, Index]:
    """Directions (10 · 4^level + 2, 3) of length 1, and faces (20 · 4^level, 3), counter-clockwise from outside; both read-only.

    Raises CellmlError for a level that is not 0 to 8.
    """
    if not 0 <= level <= HIGHEST_LEVEL:
        raise CellmlError(f"The level of a geodesic sphere is 0 to {HIGHEST_LEVEL}, not {level}.")
    if level == 0:
        points, faces = _icosahedron()
    else:
        points, faces, _ = split_in_four(*geodesic_sphere(level - 1))
        points = points / np.linalg.norm(points, axis=1, keepdims=True)
    points.setflags(write=False)
    faces.setflags(write=False)
    return points, faces


def split_in_four(points: Floats, faces: Index) -> tuple[Floats, Index, Index]:
    """Each face cut into four at the middles of its edges: points (P + E, 3), faces (4F, 3), and the ends of each edge, (E, 2)."""
    edges, edge_of = edges_of(faces)
    middle = len(points) + edge_of
    a, b, c = faces.T
    ab, bc, ca = middle.T
    split = np.concatenate([np.stack(corners, axis=1) for corners in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
    return np.concatenate([points, points[edges].mean(axis=1)]), split, edges


def _icosahedron() -> tuple[Floats, Index]:
    """Its twelve corners, and as faces the triples of corners at the least distance, turned outwards."""
    golden = (1 + 5**0.5) / 2
    signs = [(a, b * golden) for a in (-1.0, 1.0) for b in (-1.0, 1.0)]
    points = np.array([np.roll((0.0, a, b), shift) for a, b in signs for shift in range(3)]) / np.sqrt(1 + golden**2)
    near = points @ points.T > 0.4
    faces = [(i, j, k) for i in range(12) for j in range(i + 1, 12) for k in range(j + 1, 12) if near[i, j] and near[j, k] and near[k, i]]
    outwards = [(i, j, k) if np.linalg.det(points[[i, j, k]]) > 0 else (i, k, j) for i, j, k in faces]
    return points, np.array(outwards)
