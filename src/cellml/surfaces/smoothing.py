"""Where smoothing would put the vertices of a surface."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.topology import Index
from cellml.surfaces.edge_table import edge_table
from cellml.surfaces.face_shape import area_vectors, unit, vertex_sums
from cellml.surfaces.structure_tensor import damp_across_features

Floats = NDArray[np.float64]


def angle_smoothed(vertices: Floats, faces: Index) -> Floats:
    """Positions that even out the angles around each vertex, without wearing off features, (V, 3).

    For each neighbour v of x, with the neighbours c and d of x on either side of v, x is projected on the plane that halves the angle
    c-v-d; the mean is weighted by 1 + cos(c-v-d), as sharp angles need it most, and the move damped by the structure tensor (Yu et al.
    2008, eq. 2 and 5).
    """
    table = edge_table(faces)
    total, weight = np.zeros_like(vertices), np.zeros(len(vertices))
    for side in (0, 1):
        x, v = table.edges[:, side], table.edges[:, 1 - side]
        c, d = (unit(vertices[table.opposite[:, k]] - vertices[v]) for k in (0, 1))
        across = unit(c - d)
        projected = vertices[x] - np.einsum("ij,ij->i", vertices[x] - vertices[v], across)[:, None] * across
        share = 1.0 + np.einsum("ij,ij->i", c, d) + 1e-6
        np.add.at(total, x, share[:, None] * projected)
        np.add.at(weight, x, share)
    used = weight > 0
    moves = np.zeros_like(vertices)
    moves[used] = total[used] / weight[used, None] - vertices[used]
    return vertices + damp_across_features(vertices, faces, moves)


def normal_smoothed(vertices: Floats, faces: Index, *, tolerance: float = 0.35) -> Floats:
    """Positions for which neighbouring faces share a normal, unless they meet at a feature, (V, 3).

    Normals become n'_f ∝ Σ_g A_g exp(−|n_f − n_g|² / 2τ²) n_g over the face and its neighbours, and vertices follow by
    x += Σ A_f n'_f (n'_f · (c_f − x)) / Σ A_f (Sun et al. 2007; in place of the rotations of Yu et al. 2008, eq. 6).

    tolerance: τ; normals that differ much more than τ radians ignore each other.
    """
    table = edge_table(faces)
    vectors = area_vectors(vertices[faces])
    areas, normals = np.linalg.norm(vectors, axis=1), unit(vectors)
    mean = vectors.copy()
    f, g = table.faces.T
    share = np.exp(-((normals[f] - normals[g]) ** 2).sum(axis=1) / (2.0 * tolerance**2))[:, None]
    np.add.at(mean, f, share * vectors[g])
    np.add.at(mean, g, share * vectors[f])
    mean = unit(mean)
    centres = vertices[faces].mean(axis=1)
    moves = np.zeros_like(vertices)
    for corner in range(3):
        height = np.einsum("ij,ij->i", mean, centres - vertices[faces[:, corner]]) * areas
        np.add.at(moves, faces[:, corner], height[:, None] * mean)
    return vertices + moves / np.maximum(vertex_sums(faces, areas, len(vertices)), 1e-300)[:, None]


def vertex_normals(vertices: Floats, faces: Index) -> Floats:
    """Area-weighted unit normals, (V, 3)."""
    return unit(vertex_sums(faces, area_vectors(vertices[faces]), len(vertices)))
