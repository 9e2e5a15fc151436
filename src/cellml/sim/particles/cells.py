"""Tetrahedra, and triangles of a membrane, as cells that a straight path leaves through known faces."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cellml.sim.domain import UM_PER_NM
from cellml.types import TetMesh

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

# Corners of the face opposite to each corner.
_TET_FACES = np.array([[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]])
_TRIANGLE_EDGES = np.array([[1, 2], [2, 0], [0, 1]])


@dataclass(frozen=True, eq=False)
class Cells:
    """C cells with F faces each (tetrahedra: 4 triangles; triangles: 3 edges); face i lies opposite to corner i.

    corners: (C, F, 3) in µm; normals: (C, F, 3), outward unit normals, in the plane of the cell for triangles; offsets: (C, F), so that
    the inside is n · x ≤ offset; neighbours: (C, F), the cell on the other side or −1; entries: (C, F), the number of the shared face
    there. Both sides of a face carry exactly opposite planes for tetrahedra, so that a path that has passed never passes back.
    """

    corners: Floats
    normals: Floats
    offsets: Floats
    neighbours: Index
    entries: Index

    @property
    def flat(self) -> bool:
        """Whether the cells are triangles, over whose edges directions turn."""
        return self.corners.shape[1] == 3

    @cached_property
    def measures(self) -> Floats:
        """Volume (µm³) of tetrahedra, area (µm²) of triangles, (C,)."""
        edges = self.corners[:, 1:] - self.corners[:, :1]
        if self.flat:
            return np.asarray(0.5 * np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1))
        return np.asarray(np.abs(np.linalg.det(edges)) / 6.0)

    @cached_property
    def centres(self) -> Floats:
        """Centroids, (C, 3) in µm."""
        return np.asarray(self.corners.mean(axis=1))

    @cached_property
    def radii(self) -> Floats:
        """Largest distance of a corner from the centroid, (C,) in µm."""
        return np.asarray(np.linalg.norm(self.corners - self.centres[:, None], axis=2).max(axis=1))

    def gaps(self, x: Floats, cell: Index) -> Floats:
        """Distance of points (N, 3) from the faces of their cells, (N, F) in µm; negative outside."""
        return np.asarray(self.offsets[cell] - np.einsum("nfk,nk->nf", self.normals[cell], x))


def tet_cells(mesh: TetMesh) -> Cells:
    """The tetrahedra of a mesh as cells."""
    points = mesh.points * UM_PER_NM
    triples = np.sort(mesh.tets[:, _TET_FACES], axis=2)
    a, b, c = (points[triples[:, :, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    offsets = np.einsum("tfk,tfk->tf", normals, a)
    opposite = points[mesh.tets]
    outward = np.where(np.einsum("tfk,tfk->tf", normals, opposite - a) > 0, -1.0, 1.0)
    neighbours, entries = _adjacency(triples)
    return Cells(opposite, normals * outward[..., None], offsets * outward, neighbours, entries)


def triangle_cells(mesh: TetMesh, triangles: Index) -> Cells:
    """Triangles (F, 3) of points of the mesh as cells; an edge of more than two triangles ends the surface."""
    corners = mesh.points[triangles] * UM_PER_NM
    edges = corners[:, _TRIANGLE_EDGES[:, 1]] - corners[:, _TRIANGLE_EDGES[:, 0]]
    up = np.cross(edges[:, 0], edges[:, 1])
    normals = np.cross(edges, up[:, None])
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    offsets = np.einsum("tfk,tfk->tf", normals, corners[:, _TRIANGLE_EDGES[:, 0]])
    neighbours, entries = _adjacency(np.sort(triangles[:, _TRIANGLE_EDGES], axis=2))
    return Cells(corners, normals, offsets, neighbours, entries)


def _adjacency(faces: Index) -> tuple[Index, Index]:
    """Neighbours and their face numbers, each (C, F), of cells with faces (C, F, K) of sorted point numbers."""
    count, sides = faces.shape[:2]
    flat = faces.reshape(count * sides, -1)
    order = np.lexsort(flat.T)
    ordered = flat[order]
    same = (ordered[1:] == ordered[:-1]).all(axis=1)
    single = same.copy()  # pairs that are not part of three equal faces in a row
    single[1:] &= ~same[:-1]
    single[:-1] &= ~same[1:]
    left, right = order[:-1][single], order[1:][single]
    other = np.full(count * sides, -1, np.int64)
    other[left], other[right] = right, left
    met = other.reshape(count, sides)
    return np.where(met >= 0, met // sides, -1), np.where(met >= 0, met % sides, -1)


def uniform_points(cells: Cells, cell: Index, rng: np.random.Generator) -> Floats:
    """A uniform point in each of the given cells, (N, 3): barycentric coordinates from the gaps of exponential variables."""
    weights = rng.exponential(size=(len(cell), cells.corners.shape[1]))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(np.einsum("nf,nfk->nk", weights, cells.corners[cell]))


def chosen(weights: Floats, count: int, rng: np.random.Generator) -> Index:
    """`count` indices drawn with probability proportional to weights."""
    cumulative = np.cumsum(weights)
    return np.minimum(np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right"), len(weights) - 1)
