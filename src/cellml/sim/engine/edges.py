"""Symmetric matrices of P1 elements, gathered edge by edge.

An entry off the diagonal belongs to an edge. Rows of a stiffness matrix add up to zero and those of a mass matrix to weights, so that six
products a tetrahedron are enough instead of sixteen, and mass and stiffness share one pattern.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.sim.engine.pattern import grouped

Floats = NDArray[np.float64]
# Cells at a time: what belongs to them stays in the processor's cache.
_CHUNK = 8192


@dataclass(frozen=True, eq=False)
class EdgePattern:
    """Where entries of the edges of cells go.

    order: (P·C,) pairs of corners (all cells of the first pair, then of the next) sorted by edge; starts: (E,) where each edge begins in
    it; pointers, columns: CSR of the (N, N) matrices; entries: the edge, or E + node on the diagonal, at each place of them.
    """

    order: NDArray[np.int32]
    starts: NDArray[np.int64]
    pointers: NDArray[np.int32]
    columns: NDArray[np.int32]
    entries: NDArray[np.int32]

    def matrix(self, pairs: Floats, diagonal: Floats | None = None) -> Any:
        """CSR (N, N) of entries (P, C) of the pairs of each cell. diagonal: (N,); None for the one that makes rows add up to zero."""
        from scipy.sparse import csr_array

        count = len(self.pointers) - 1
        by_edge = np.add.reduceat(pairs.ravel()[self.order], self.starts)
        values = np.concatenate([by_edge, np.zeros(count) if diagonal is None else diagonal])[self.entries]
        matrix = csr_array((values, self.columns, self.pointers), shape=(count, count))
        if diagonal is None:
            matrix.data[self.entries >= len(by_edge)] = -(matrix @ np.ones(count))
        return matrix


def edge_pattern(cells: NDArray[np.int64], count: int) -> EdgePattern:
    """The pattern of cells (C, k) of `count` nodes, each of which a cell has."""
    from scipy.sparse import csr_array

    corners = np.ascontiguousarray(cells.T, dtype=np.int32)
    low, high = np.empty((2, corners.shape[0] * (corners.shape[0] - 1) // 2, len(cells)), np.int32)
    for pair, (i, j) in enumerate(combinations(range(len(corners)), 2)):
        np.minimum(corners[i], corners[j], out=low[pair])
        np.maximum(corners[i], corners[j], out=high[pair])
    by_edge = grouped(low.ravel(), high.ravel(), count)
    edges = csr_array((np.arange(1, len(by_edge.starts) + 1), by_edge.columns, by_edge.pointers), shape=(count, count))
    nodes = np.arange(count)
    diagonal = csr_array((nodes + len(by_edge.starts) + 1, nodes, np.arange(count + 1)), shape=(count, count))
    whole = (edges + edges.T.tocsr() + diagonal).tocsr()
    whole.sort_indices()
    return EdgePattern(by_edge.order, by_edge.starts, whole.indptr, whole.indices, (whole.data - 1).astype(np.int32))


def stiffness_pairs(points: Floats, cells: NDArray[np.int64]) -> Floats:
    """∫ ∇φ_i · ∇φ_j of the pairs (i, j) of corners of each cell, in the order of `combinations`, (P, C).

    points: (N, 3); cells: (C, 4) tetrahedra or (C, 3) triangles. On a tetrahedron of volume v, ∇φ_i = n_i / 6v with n_i the vector of the
    opposite face (twice its area long); on a triangle of area A, with e_i the opposite edge, ∫ ∇φ_i · ∇φ_j = e_i · e_j / 4A.
    """
    tetrahedra = cells.shape[1] == 4
    axes = np.ascontiguousarray(points.T)
    found = np.empty((6 if tetrahedra else 3, len(cells)))
    for begin in range(0, len(cells), _CHUNK):
        some = np.ascontiguousarray(cells[begin : begin + _CHUNK].T)
        part = found[:, begin : begin + _CHUNK]
        corners = [axes[:, corner] for corner in some]
        (_tetrahedra if tetrahedra else _triangles)(corners, part)
    return found


def _tetrahedra(corners: list[Floats], pairs: Floats) -> None:
    """Pairs 01 02 03 12 13 23; what belongs to corner 0 follows from the sum of gradients, which is zero."""
    b, c, d = (corner - corners[0] for corner in corners[1:])
    n_b, n_c, n_d = _cross(c, d), _cross(d, b), _cross(b, c)
    scale = 1.0 / (6.0 * _dot(b, n_b))
    bc, bd, cd = (_dot(*two) * scale for two in ((n_b, n_c), (n_b, n_d), (n_c, n_d)))
    bb, cc, dd = (_dot(n, n) * scale for n in (n_b, n_c, n_d))
    pairs[0], pairs[1], pairs[2] = -(bb + bc + bd), -(bc + cc + cd), -(bd + cd + dd)
    pairs[3], pairs[4], pairs[5] = bc, bd, cd


def _triangles(corners: list[Floats], pairs: Floats) -> None:
    """Pairs 01 02 12."""
    a, b, c = corners[2] - corners[1], corners[0] - corners[2], corners[1] - corners[0]
    normal = _cross(c, -b)
    scale = 0.5 / np.sqrt(_dot(normal, normal))
    pairs[0], pairs[1], pairs[2] = _dot(a, b) * scale, _dot(a, c) * scale, _dot(b, c) * scale


def _cross(u: Floats, v: Floats) -> Floats:
    return np.stack([u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]])


def _dot(u: Floats, v: Floats) -> Floats:
    return u[0] * v[0] + u[1] * v[1] + u[2] * v[2]
