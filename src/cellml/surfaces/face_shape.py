"""Normals and shapes of triangles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from cellml.meshing.topology import Index

Floats = NDArray[np.float64]

# Equilateral triangles have 1; triangles with angles of 20, 80, 80 degrees 0.56 and with 25, 25, 130 degrees 0.50.
FAIR = 0.56
SLIVER = 0.3


def area_vectors(corners: Floats) -> Floats:
    """Normal of each triangle times its area, (F, 3); corners: (F, 3, 3)."""
    return np.asarray(0.5 * np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))


def unit(vectors: Floats) -> Floats:
    """Vectors of length one; zero stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1.0))


def shape_quality(corners: Floats) -> Floats:
    """4 √3 A / Σ l² of each triangle, (F,): 1 where equilateral, 0 where flat (Bhatia & Lawrence 1990); corners: (F, 3, 3)."""
    squares = sum(((corners[:, i] - corners[:, i - 1]) ** 2).sum(axis=1) for i in range(3))
    area = np.linalg.norm(area_vectors(corners), axis=1)
    return np.asarray(4.0 * np.sqrt(3.0) * area / np.maximum(squares, 1e-300))


def longest_edge(vertices: Floats, faces: Index) -> float:
    """Length of the longest edge of all faces."""
    return float(max(np.linalg.norm(vertices[faces[:, i]] - vertices[faces[:, i - 1]], axis=1).max() for i in range(3)))


def vertex_sums(faces: Index, values: Floats, vertices: int) -> Floats:
    """Sum of the values of the faces around each vertex, (V, …); values: (F, …)."""
    ones = np.ones(faces.size)
    around = csr_matrix((ones, faces.ravel(), np.arange(0, faces.size + 1, 3)), shape=(len(faces), vertices))
    return np.asarray(around.T @ values.reshape(len(faces), -1)).reshape(vertices, *values.shape[1:])
