"""Which way a surface is flat, bent or sharp at each vertex: the local structure tensor of its normals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.topology import Index
from cellml.surfaces.face_shape import area_vectors, unit, vertex_sums

Floats = NDArray[np.float64]


def structure_tensor(vertices: Floats, faces: Index) -> tuple[Floats, Floats]:
    """Eigenvalues, ascending (V, 3), and eigenvectors as columns (V, 3, 3), of T(v) = Σ_f n_f n_fᵀ over the faces around v.

    One large eigenvalue: flat, along the normal; two: a ridge, along whose third direction a vertex may slide; three: a corner
    (Yu et al. 2008, eq. 3; Lee et al. 2020).
    """
    normals = unit(area_vectors(vertices[faces]))
    tensor = vertex_sums(faces, normals[:, :, None] * normals[:, None, :], len(vertices))
    values, vectors = np.linalg.eigh(tensor)
    return values, vectors


def damp_across_features(vertices: Floats, faces: Index, moves: Floats) -> Floats:
    """Moves of vertices, (V, 3), shortened by 1 / (1 + λ_k) along each eigenvector e_k of the structure tensor (Yu et al. 2008, eq. 5)."""
    values, vectors = structure_tensor(vertices, faces)
    along = np.einsum("vik,vi->vk", vectors, moves) / (1.0 + np.maximum(values, 0.0))
    return np.asarray(np.einsum("vik,vk->vi", vectors, along))


def sharpness(vertices: Floats, faces: Index) -> Floats:
    """Second over first eigenvalue of the structure tensor, (V,): 0 on planes, up to 1 on ridges and corners."""
    values, _ = structure_tensor(vertices, faces)
    return np.asarray(np.maximum(values[:, 1], 0.0) / np.maximum(values[:, 2], 1e-300))
