"""Crossings between facets of a triangle surface."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cellml.meshing.topology import Index

Floats = NDArray[np.float64]


def crossing_facets(points: Floats, faces: Index) -> Index:
    """Pairs of facets without a common vertex that cross, (N, 2).

    Facets cross where an edge of one passes through the other (Möller & Trumbore 1997, in double precision: contacts closer than round-off
    are not told apart, and facets that share a vertex are not compared). points: (P, 3); faces: (F, 3).
    """
    corners = points[faces]
    centre = corners.mean(axis=1)
    radius = np.linalg.norm(corners - centre[:, None], axis=2).max(axis=1)
    near = cKDTree(centre).query_pairs(2.0 * float(radius.max()), output_type="ndarray")
    a, b = near.T
    overlap = (corners[a].min(axis=1) <= corners[b].max(axis=1)).all(axis=1) & (corners[b].min(axis=1) <= corners[a].max(axis=1)).all(
        axis=1
    )
    a, b = a[overlap], b[overlap]
    apart = ~(faces[a][:, :, None] == faces[b][:, None, :]).any(axis=(1, 2))
    a, b = a[apart], b[apart]
    hit = np.zeros(len(a), bool)
    for i in range(3):
        hit |= _segment_meets(corners[a, i], corners[a, (i + 1) % 3], corners[b])
        hit |= _segment_meets(corners[b, i], corners[b, (i + 1) % 3], corners[a])
    return np.stack([a[hit], b[hit]], axis=1).astype(np.int64)


def _segment_meets(start: Floats, end: Floats, triangle: Floats) -> NDArray[np.bool_]:
    direction = end - start
    u, v = triangle[:, 1] - triangle[:, 0], triangle[:, 2] - triangle[:, 0]
    normal = np.cross(u, v)
    slope = -np.einsum("ij,ij->i", direction, normal)
    parallel = slope == 0
    slope = np.where(parallel, 1.0, slope)
    offset = start - triangle[:, 0]
    moment = np.cross(offset, direction)
    t = np.einsum("ij,ij->i", offset, normal) / slope
    p = np.einsum("ij,ij->i", v, moment) / slope
    q = -np.einsum("ij,ij->i", u, moment) / slope
    return np.asarray(~parallel & (t >= 0) & (t <= 1) & (p >= 0) & (q >= 0) & (p + q <= 1))
