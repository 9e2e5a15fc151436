"""Edges and faces of tetrahedra, each once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

# Corners of the edges and faces of a tetrahedron; face i lies opposite corner i and is counter-clockwise seen from outside.
TET_EDGES = np.array([[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]])
TET_FACES = np.array([[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]])
TRIANGLE_EDGES = np.array([[0, 1], [1, 2], [2, 0]])

# Two point numbers, each below 2³¹, in one 64-bit key.
_SHIFT = np.int64(1) << 31


def edge_keys(ends: Index) -> Index:
    """One integer for each edge (…, 2), the same in both directions; keys sort by the smaller end, then by the larger."""
    return np.asarray(ends.min(axis=-1) * _SHIFT + ends.max(axis=-1))


def ends_of(keys: Index) -> Index:
    """The two ends (…, 2) of edges, smaller first, from their keys (…)."""
    return np.stack([keys // _SHIFT, keys % _SHIFT], axis=-1)


def edges_of(cells: Index, local: Index) -> tuple[Index, Index]:
    """The edges of cells (C, corners): (E, 2), in the order of their keys, and the numbers of the edges of each cell, (C, len(local)).

    local: pairs of corners, TET_EDGES or TRIANGLE_EDGES.
    """
    keys, inverse = np.unique(edge_keys(cells[:, local]), return_inverse=True)
    return ends_of(keys), inverse.reshape(len(cells), len(local))


@dataclass(frozen=True, eq=False)
class Faces:
    """The triangles of a tetrahedral mesh.

    corners: (F, 3), counter-clockwise seen from their first tetrahedron; sides: (F, 2) the tetrahedra on both sides, −1 outside; numbers:
    (T, 4) face opposite each corner.
    """

    corners: Index
    sides: Index
    numbers: Index

    def find(self, triangles: Index) -> Index:
        """Numbers of triangles (N, 3) given by their corners in any order, −1 where the mesh has no such face."""
        wanted, known = _as_rows(np.sort(triangles, axis=1)), _as_rows(np.sort(self.corners, axis=1))
        order = np.argsort(known)
        place = np.minimum(np.searchsorted(known[order], wanted), len(known) - 1)
        found = order[place]
        return np.asarray(np.where(known[found] == wanted, found, -1))


def _as_rows(triangles: Index) -> NDArray[np.void]:
    # Big-endian bytes compare like the numbers, so that rows sort as words do.
    return np.ascontiguousarray(triangles.astype(">i8")).view(np.dtype((np.void, 24))).ravel()


def faces_of(tets: Index) -> Faces:
    """All triangles of tetrahedra (T, 4), inner ones once."""
    corners = tets[:, TET_FACES].reshape(-1, 3)
    ordered = np.sort(corners, axis=1)
    order = np.lexsort((ordered[:, 2], ordered[:, 1], ordered[:, 0]))
    ordered = ordered[order]
    new = np.ones(len(order), bool)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    number = np.cumsum(new) - 1
    numbers = np.empty(len(order), np.int64)
    numbers[order] = number
    sides = np.full((int(number[-1]) + 1, 2), -1, np.int64)
    sides[number[new], 0] = order[new] // 4
    sides[number[~new], 1] = order[~new] // 4
    return Faces(corners[order[new]], sides, numbers.reshape(-1, 4))
