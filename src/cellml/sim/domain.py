"""A tetrahedral mesh as a finite-element space.

Lengths leave nanometres here and nowhere else: everything behind a `Domain` is in µm.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.sim.errors import SimulationError
from cellml.types import TetMesh

UM_PER_NM = 1e-3

# scikit-fem reports every assembly at the level INFO, a dozen lines for each object.
logging.getLogger("skfem").setLevel(logging.WARNING)


@dataclass(frozen=True, eq=False)
class Domain:
    """The space of continuous, piecewise linear functions (P1) on a TetMesh, all regions together.

    Nodes are the points that belong to a tetrahedron, numbered by `nodes`; points that belong to none have no unknown.
    """

    mesh: TetMesh

    @cached_property
    def nodes(self) -> NDArray[np.int64]:
        """Point of the mesh behind each node, (N,)."""
        return np.unique(self.mesh.tets)

    @cached_property
    def coordinates(self) -> NDArray[np.float64]:
        """Position of each node, (N, 3) in µm, columns (x, y, z)."""
        return np.asarray(self.mesh.points[self.nodes] * UM_PER_NM)

    @cached_property
    def fem_mesh(self) -> Any:
        """The mesh as scikit-fem knows it: points (3, N) in µm, tetrahedra (4, T)."""
        from skfem import MeshTet

        tets = np.searchsorted(self.nodes, self.mesh.tets)
        return MeshTet(np.ascontiguousarray(self.coordinates.T), np.ascontiguousarray(tets.T.astype(np.int32)))

    @cached_property
    def basis(self) -> Any:
        """scikit-fem's P1 basis."""
        from skfem import Basis, ElementTetP1

        return Basis(self.fem_mesh, ElementTetP1())

    @cached_property
    def stiffness(self) -> Any:
        """K_ij = ∫ ∇φ_i · ∇φ_j, sparse (N, N) in µm."""
        from skfem.models.poisson import laplace

        return laplace.assemble(self.basis).tocsr()

    @cached_property
    def mass(self) -> Any:
        """M_ij = ∫ φ_i φ_j, sparse (N, N) in µm³."""
        from skfem.models.poisson import mass

        return mass.assemble(self.basis).tocsr()

    @cached_property
    def volume(self) -> float:
        """Volume in µm³."""
        return float(self.mesh.volumes().sum() * UM_PER_NM**3)

    def local(self, points: NDArray[np.int64]) -> NDArray[np.int64]:
        """Node numbers of points of the mesh. Raises SimulationError if one of them belongs to no tetrahedron."""
        found = np.searchsorted(self.nodes, points)
        found = np.minimum(found, len(self.nodes) - 1)
        if (self.nodes[found] != points).any():
            stray = int((self.nodes[found] != points).sum())
            raise SimulationError(f"{self.mesh.name!r} has tagged facets with {stray} corners outside all tetrahedra; mesh it again.")
        return found

    def field(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values (N,) at the nodes as values (P,) at all points of the mesh, NaN where there is no node."""
        everywhere = np.full(len(self.mesh.points), np.nan)
        everywhere[self.nodes] = values
        return everywhere

    def facet_areas(self, facets: NDArray[np.int64]) -> NDArray[np.float64]:
        """Area of triangles of nodes (F, 3), (F,) in µm²."""
        a, b, c = (self.coordinates[facets[:, i]] for i in range(3))
        return np.asarray(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1))

    def extent(self) -> float:
        """Length of the shape along its longest principal axis, in µm; turning the mesh does not change it."""
        centred = self.coordinates - self.coordinates.mean(axis=0)
        _, axes = np.linalg.eigh(centred.T @ centred)
        return float(np.ptp(centred @ axes[:, -1]))


def components(mesh: TetMesh) -> int:
    """Number of parts of a mesh that share no triangle (parts that touch in an edge or a point exchange nothing by diffusion)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    corners = np.sort(mesh.tets, axis=1)
    faces = np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 1, 3]], corners[:, [0, 2, 3]], corners[:, [1, 2, 3]]])
    owner = np.tile(np.arange(len(corners)), 4)
    order = np.lexsort(faces.T)
    same = (faces[order][1:] == faces[order][:-1]).all(axis=1)
    left, right = owner[order][:-1][same], owner[order][1:][same]
    graph = coo_array((np.ones(len(left)), (left, right)), shape=(len(corners), len(corners)))
    return int(connected_components(graph, directed=False)[0])


def require_connected(mesh: TetMesh) -> None:
    """Raise SimulationError, with the number of parts, if the mesh is not one connected piece."""
    parts = components(mesh)
    if parts > 1:
        raise SimulationError(
            f"{mesh.name!r} falls into {parts} parts that share no face: what diffuses in one never reaches the others, so relaxation and "
            "first-passage times are infinite. Simulate each part as a mesh of its own, or keep the largest: components=largest, where "
            "`cellml infer` or `cellml mesh` made the mesh."
        )
