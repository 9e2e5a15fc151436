"""Absorbing parts of a surface, as seen by a particle that approaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cellml.errors import CellmlError
from cellml.sim.domain import UM_PER_NM
from cellml.sim.errors import SimulationError
from cellml.sim.particles.cells import Cells, Floats, Index, tet_cells
from cellml.sim.particles.tracing import Bools
from cellml.types import TetMesh

# A lower bound of a distance that holds for a whole cell is good enough if it is this share of that of its centroid.
_GOOD = 0.7
_SAMPLES = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [1 / 3, 1 / 3, 1 / 3]])


@dataclass(frozen=True, eq=False)
class Target:
    """Absorbing triangles on the boundary of tetrahedra.

    cells: all tetrahedra; faces: (C, 4), which of their faces are absorbing; corners: (K, 3, 3) of these in µm; outward: (K, 3) normals.
    to_rim, to_target: (C,) least distance from a point of each cell to the rim of the target, and to the target; where the target has no
    rim, to_rim is the distance to the target. coarse: (C,), cells for which to_rim is a poor bound.
    """

    cells: Cells
    faces: Bools
    corners: Floats
    outward: Floats
    to_rim: Floats
    to_target: Floats
    coarse: Bools
    rim_tree: Any
    target_tree: Any

    @property
    def size(self) -> float:
        """√(area/π) in µm."""
        edges = self.corners[:, 1:] - self.corners[:, :1]
        return float(np.sqrt(0.5 * np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1).sum() / np.pi))

    def rim_distance(self, x: Floats, cell: Index) -> Floats:
        """Distance of points (N, 3) in cells (N,) from the rim, or a lower bound of at least _GOOD of it; (N,) in µm."""
        found = self.to_rim[cell]
        poor = np.flatnonzero(self.coarse[cell])
        if len(poor):
            found[poor] = self.rim_tree.query(x[poor])[0]
        return found

    def nearest(self, x: Floats) -> Index:
        """The triangle nearest to each point (N, 3), to the resolution of four samples a triangle."""
        return np.asarray(self.target_tree.query(x)[1] // len(_SAMPLES))


def target_of(mesh: TetMesh, names: Sequence[str]) -> Target:
    """The target made of facets with any of the names. Raises SimulationError for a name that the mesh lacks, or one without facets."""
    from scipy.spatial import cKDTree

    triangles = np.concatenate([_facets(mesh, name) for name in names])
    cells = tet_cells(mesh)
    faces = faces_among(mesh, triangles) & (cells.neighbours < 0)
    if not faces.any():
        raise SimulationError(f"No facet of {', '.join(names)} lies on the boundary of {mesh.name!r}, where it could absorb.")
    cell, face = np.nonzero(faces)
    corners = cells.corners[cell][np.arange(4) != face[:, None]].reshape(-1, 3, 3)
    samples = np.einsum("sc,tck->tsk", _SAMPLES, corners)
    target_tree = cKDTree(samples.reshape(-1, 3))
    rim = _rim(mesh, triangles)
    rim_tree = cKDTree(rim) if len(rim) else target_tree
    to_rim, to_target = (tree.query(cells.centres)[0] for tree in (rim_tree, target_tree))
    spacing = np.linalg.norm(corners - samples[:, 3:], axis=2).max()
    return Target(
        *(cells, faces, corners, cells.normals[cell, face]),
        to_rim=np.maximum(to_rim - cells.radii, 0.0),
        to_target=to_target - cells.radii - spacing,
        coarse=to_rim - cells.radii < _GOOD * to_rim,
        rim_tree=rim_tree,
        target_tree=target_tree,
    )


def _facets(mesh: TetMesh, name: str) -> Index:
    try:
        return mesh.facets_named(name)
    except CellmlError as error:
        raise SimulationError(str(error)) from None


def faces_among(mesh: TetMesh, triangles: Index) -> Bools:
    """Which faces (T, 4) of the tetrahedra, numbered by the opposite corner, are among triangles (F, 3)."""
    return facet_numbers(mesh, triangles) >= 0


def facet_numbers(mesh: TetMesh, triangles: Index) -> Index:
    """For each face (T, 4) of the tetrahedra its number among triangles (F, 3), −1 where it is none."""
    corners = np.stack([np.delete(mesh.tets, i, axis=1) for i in range(4)], axis=1)
    return numbers_among(corners.reshape(-1, 3), triangles).reshape(-1, 4)


def numbers_among(wanted: Index, known: Index) -> Index:
    """For each triangle (N, 3) its number among known ones (K, 3), −1 where it is none; corners in any order."""
    _, number = np.unique(np.sort(np.concatenate([known, wanted]), axis=1), axis=0, return_inverse=True)
    number = number.ravel()
    first = np.full(number.max(initial=-1) + 1, -1, np.int64)
    first[number[: len(known)]] = np.arange(len(known))
    return np.asarray(first[number[len(known) :]])


def _rim(mesh: TetMesh, triangles: Index) -> Floats:
    """Ends and middles of the edges that belong to one triangle only, (G, 3) in µm."""
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    single, counts = np.unique(edges, axis=0, return_counts=True)
    ends = mesh.points[single[counts == 1]] * UM_PER_NM
    return np.concatenate([ends[:, 0], ends[:, 1], ends.mean(axis=1)]).reshape(-1, 3)
