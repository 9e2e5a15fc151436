"""Continuous, piecewise linear functions (P1) on the tetrahedra of a compartment or on the triangles of a membrane."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.sim.engine.edges import EdgePattern, edge_pattern, stiffness_pairs


@dataclass(frozen=True, eq=False)
class Space:
    """The P1 space on a set of cells.

    points: (P, 3) of the whole mesh, columns (x, y, z) in µm; corners: (C, 4) tetrahedra or (C, 3) triangles of these points. Its nodes are
    the points that a cell has, numbered by `nodes`.
    """

    points: NDArray[np.float64]
    corners: NDArray[np.int64]

    @cached_property
    def nodes(self) -> NDArray[np.int64]:
        """Point of the mesh behind each node, (N,), increasing."""
        used = np.zeros(len(self.points), bool)
        used[self.corners.ravel()] = True
        return np.flatnonzero(used)

    @cached_property
    def cells(self) -> NDArray[np.int64]:
        """Cells by their nodes, (C, 4) or (C, 3)."""
        number = np.zeros(len(self.points), np.int64)
        number[self.nodes] = np.arange(len(self.nodes))
        return number[self.corners]

    @property
    def bulk(self) -> bool:
        """Whether its cells are tetrahedra."""
        return self.corners.shape[1] == 4

    @cached_property
    def coordinates(self) -> NDArray[np.float64]:
        """Position of each node, (N, 3) in µm."""
        return self.points[self.nodes]

    @cached_property
    def sizes(self) -> NDArray[np.float64]:
        """Volume of each tetrahedron in µm³, or area of each triangle in µm², (C,)."""
        return cell_sizes(self.points, self.corners)

    @cached_property
    def measure(self) -> float:
        """Volume in µm³ or area in µm²."""
        return float(self.sizes.sum())

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """w_i = ∫ φ_i, (N,): the lumped mass."""
        corners = self.cells.shape[1]
        return np.asarray(np.bincount(self.cells.ravel(), np.repeat(self.sizes / corners, corners), minlength=len(self.nodes)), float)

    @cached_property
    def pattern(self) -> EdgePattern:
        """Where entries of mass and stiffness stand."""
        return edge_pattern(self.cells, len(self.nodes))

    @cached_property
    def mass(self) -> Any:
        """M_ij = ∫ φ_i φ_j, sparse (N, N): on a simplex of size s with k corners s (1 + δ_ij) / (k(k + 1))."""
        corners = self.cells.shape[1]
        pairs = np.broadcast_to(self.sizes / (corners * (corners + 1)), (corners * (corners - 1) // 2, len(self.cells)))
        return self.pattern.matrix(pairs, self.weights * (2.0 / (corners + 1)))

    @cached_property
    def stiffness(self) -> Any:
        """K_ij = ∫ ∇φ_i · ∇φ_j (on a membrane with the gradient along it), sparse (N, N)."""
        return self.pattern.matrix(stiffness_pairs(self.coordinates, self.cells))

    def local(self, points: NDArray[np.int64]) -> NDArray[np.int64]:
        """Node numbers of points of the mesh, −1 for those that are none of its nodes."""
        found = np.minimum(np.searchsorted(self.nodes, points), len(self.nodes) - 1)
        return np.where(self.nodes[found] == points, found, -1)


def cell_sizes(points: NDArray[np.float64], corners: NDArray[np.int64]) -> NDArray[np.float64]:
    """Volumes of tetrahedra (C, 4), or areas of triangles (C, 3), of points (P, 3), (C,)."""
    a, b, c = (points[corners[:, i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    if corners.shape[1] == 3:
        return np.asarray(0.5 * np.linalg.norm(normal, axis=1))
    return np.asarray(np.einsum("ij,ij->i", normal, points[corners[:, 3]] - a) / 6.0)
