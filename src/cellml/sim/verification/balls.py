"""Meshes of balls with any number of tetrahedra."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from cellml.sim.analytic import with_named_boundary
from cellml.types import TetMesh


def icosahedral_ball(radius: float, cells: int, *, equal_volume: bool = False) -> TetMesh:
    """A ball around the origin of 20 · cells³ tetrahedra, all its surface named membrane.

    An icosahedron is cut into 20 tetrahedra from its centre, each by Kuhn's triangulation into cells³ (Freudenthal 1942), and every point
    moves along its ray so that shells of equal distance from the centre become spheres. radius in nm; equal_volume: the polyhedron has the
    volume of the ball, instead of being inscribed in it.
    """
    corners, faces = _icosahedron()
    local, tets = _divided(cells)
    # Corners in increasing order: neighbours then cut the face between them alike.
    whole = np.concatenate([_points(corners[np.sort(face)], local) for face in faces])
    _, first, number = np.unique(np.round(whole, 9) + 0.0, axis=0, return_index=True, return_inverse=True)
    joined = np.concatenate([tets + k * len(local) for k in range(len(faces))])
    mesh = with_named_boundary(radius * whole[first], number.ravel()[joined], name="ball")
    if not equal_volume:
        return mesh
    return replace(mesh, points=mesh.points * float(np.cbrt(4.0 / 3.0 * np.pi * radius**3 / mesh.volumes().sum())))


def edge_length(mesh: TetMesh) -> float:
    """Cube root of the mean volume of a tetrahedron, in µm."""
    return float(np.cbrt(mesh.volumes().mean()) * 1e-3)


def _icosahedron() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Corners (12, 3) on the unit sphere and faces (20, 3)."""
    golden = (1 + np.sqrt(5)) / 2
    signs = [(a, b) for a in (-1.0, 1.0) for b in (-1.0, 1.0)]
    corners = np.array([np.roll((0.0, a, b * golden), k) for k in range(3) for a, b in signs])
    from scipy.spatial import ConvexHull

    return corners / np.linalg.norm(corners, axis=1, keepdims=True), ConvexHull(corners).simplices.astype(np.int64)


def _divided(cells: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Kuhn's triangulation of the simplex n ≥ x ≥ y ≥ z ≥ 0: grid points (L, 3) and tetrahedra (n³, 4)."""
    grid = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    paths = [np.cumsum(np.vstack([np.zeros(3, int), np.eye(3, dtype=int)[list(way)]]), axis=0) for way in permutations(range(3))]
    corners = np.concatenate([grid[:, None, :] + path for path in paths])
    x, y, z = np.moveaxis(corners, -1, 0)
    inside = ((x >= y) & (y >= z)).all(axis=1)
    points, number = np.unique(corners[inside].reshape(-1, 3), axis=0, return_inverse=True)
    return points, number.reshape(-1, 4)


def _points(face: NDArray[np.float64], grid: NDArray[np.int64]) -> NDArray[np.float64]:
    """Grid points of the tetrahedron (centre, face), moved onto their spheres, (L, 3) for radius 1."""
    x, y, z = (grid / grid.max()).T
    flat = np.column_stack([x - y, y - z, z]) @ face
    length = np.linalg.norm(flat, axis=1)
    return np.asarray(flat * np.divide(x, length, out=np.zeros(len(x)), where=length > 0)[:, None])
