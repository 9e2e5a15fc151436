"""Where a surface has another sheet near, so that moves there must be tested for crossings, and elsewhere need not."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.topology import Index
from cellml.surfaces.face_shape import area_vectors, unit

Floats = NDArray[np.float64]

_REACH = 2  # cells in which another sheet is sought
_CONE_DEG = 60.0


def exposed_faces(vertices: Floats, faces: Index, reach: float) -> NDArray[np.bool_]:
    """Faces with others within a distance (nm) whose normals differ by more than about 60°, (F,), and more of them rather than fewer.

    Sheets can only come to cross where they face each other; where all normals around lie in a cone of 60°, the surface is a graph over a
    plane. Normals are gathered in cubes of half the reach, each with its mean and the deviation that nine tenths of its area keep:
    the rest are slivers, whose normals say nothing.
    """
    corners = vertices[faces]
    vectors = area_vectors(corners)
    key, strides = _cells(corners.mean(axis=1), reach / _REACH)
    used, cell = np.unique(key, return_inverse=True)
    mean = unit(np.stack([np.bincount(cell, weights=v) for v in vectors.T], axis=1))
    apart = np.degrees(np.arccos(np.clip(np.einsum("ij,ij->i", unit(vectors), mean[cell]), -1.0, 1.0)))
    spread = _upper(apart, np.linalg.norm(vectors, axis=1), cell, len(used))
    exposed = spread > _CONE_DEG / 2
    for step in (int(np.dot(offset, strides)) for offset in product(range(-_REACH, _REACH + 1), repeat=3)):
        if step > 0:
            _, first, second = np.intersect1d(used + step, used, assume_unique=True, return_indices=True)
            cosine = np.einsum("ij,ij->i", mean[first], mean[second])
            facing = cosine < np.cos(np.radians(np.maximum(_CONE_DEG - spread[first] - spread[second], 0.0)))
            exposed[first[facing]] = exposed[second[facing]] = True
    return np.asarray(exposed[cell])


def vertices_of(faces: Index, chosen: NDArray[np.bool_], vertices: int) -> NDArray[np.bool_]:
    """The corners of some faces, (V,)."""
    corners = np.zeros(vertices, bool)
    corners[faces[chosen]] = True
    return corners


def _cells(points: Floats, edge: float) -> tuple[Index, Index]:
    """A number for the cube of each point, and the steps of that number along x, y and z."""
    place = np.floor((points - points.min(axis=0)) / edge).astype(np.int64) + _REACH
    size = place.max(axis=0) + _REACH + 1
    strides = np.array([size[1] * size[2], size[2], 1])
    return place @ strides, strides


def _upper(values: Floats, weights: Floats, group: Index, groups: int) -> Floats:
    """For each group, the value that nine tenths of its weight do not exceed, (groups,)."""
    order = np.lexsort((values, group))
    below = np.cumsum(weights[order])
    total = np.bincount(group, weights=weights, minlength=groups)
    before = np.cumsum(total) - total
    counts = (below - before[group[order]]) <= 0.9 * total[group[order]]
    result = np.zeros(groups)
    np.maximum.at(result, group[order][counts], values[order][counts])
    return result
