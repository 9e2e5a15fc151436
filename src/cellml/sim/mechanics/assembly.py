"""From tetrahedra to sparse matrices and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from cellml.sim.mechanics.space import Floats, Ints, Space

# Tetrahedra at a time: the local matrices of order 2 take 7 kB each, and as much again for their indices.
_CHUNK = 16_384


def scatter_matrix(rows: Ints, columns: Ints, local: Floats, shape: tuple[int, int]) -> Any:
    """Sum local matrices (T, r, c) into a sparse matrix; rows (T, r) and columns (T, c) are the unknowns of each tetrahedron."""
    from scipy.sparse import coo_matrix

    i = np.broadcast_to(rows.astype(np.int32)[:, :, None], local.shape).ravel()
    j = np.broadcast_to(columns.astype(np.int32)[:, None, :], local.shape).ravel()
    return coo_matrix((local.ravel(), (i, j)), shape=shape).tocsr()


def scatter_vector(rows: Ints, local: Floats, size: int) -> Floats:
    """Sum local vectors (T, r) into (size,)."""
    return np.asarray(np.bincount(rows.ravel(), weights=local.ravel(), minlength=size), float)


def vector_unknowns(space: Space) -> Ints:
    """Unknowns 3·node + axis of each tetrahedron, (T, 3n)."""
    return np.asarray((3 * space.element_nodes[:, :, None] + np.arange(3)).reshape(len(space.element_nodes), -1))


def displacement_gradient(space: Space, u: Floats) -> Floats:
    """H_iJ = ∂u_i/∂X_J of nodal displacements (N, 3) at the quadrature points, (T, Q, 3, 3)."""
    return np.asarray(np.einsum("tni,tnjq->tqij", u[space.element_nodes], space.gradients, optimize=True))


def isotropic_stiffness(space: Space, spatial: Floats, lam: Floats, mu: Floats, cross: Floats) -> Any:
    """K_(ai)(bk) = ∫ μ δ_ik G_a·G_b + λ g_ai g_bk + c g_ak g_bi, sparse (3N, 3N) in pN/µm.

    G: gradients of the basis in the undeformed body; spatial g: (T, n, 3, Q) gradients in the deformed one (the same for small strain);
    lam, mu, cross: λ, μ, c at the quadrature points, (T, Q) in Pa. c = μ gives Hooke's law.
    """
    unknowns, shape = vector_unknowns(space), (3 * space.size, 3 * space.size)
    total = None
    for start in range(0, len(unknowns), _CHUNK):
        part = slice(start, start + _CHUNK)
        w = space.weights[part]
        local = _local_stiffness(space.gradients[part], spatial[part], w * lam[part], w * mu[part], w * cross[part])
        matrix = scatter_matrix(unknowns[part], unknowns[part], local, shape)
        total = matrix if total is None else total + matrix
    return total


def _local_stiffness(G: Floats, g: Floats, lam: Floats, mu: Floats, cross: Floats) -> Floats:
    """Local matrices (T, 3n, 3n); λ, μ and c come with the quadrature weights."""
    T, n, _, Q = G.shape
    flat = g.reshape(T, 3 * n, Q)
    local = np.matmul(flat * lam[:, None, :], flat.transpose(0, 2, 1)).reshape(T, n, 3, n, 3)
    crossed = np.matmul(flat * cross[:, None, :], flat.transpose(0, 2, 1)).reshape(T, n, 3, n, 3)
    local += crossed.transpose(0, 1, 4, 3, 2)
    wide = G.reshape(T, n, 3 * Q)
    laplacian = np.matmul(wide * np.tile(mu, 3)[:, None, :], wide.transpose(0, 2, 1))
    for axis in range(3):
        local[:, :, axis, :, axis] += laplacian
    return local.reshape(T, 3 * n, 3 * n)


def internal_force(space: Space, stress: Floats) -> Floats:
    """f_ai = ∫ P_iJ ∂φ_a/∂X_J of a stress (T, Q, 3, 3) in Pa, (3N,) in pN."""
    local = np.einsum("tqij,tnjq,tq->tni", stress, space.gradients, space.weights, optimize=True)
    return scatter_vector(vector_unknowns(space), local.reshape(len(local), -1), 3 * space.size)
