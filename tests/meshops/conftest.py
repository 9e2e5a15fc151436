"""Meshes with known answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from cellml.meshing.lattice import body_centred_cubic
from cellml.meshops.batch import MeshBatch, mesh_batch
from cellml.meshops.subdivision import subdivide

Mesh = tuple[Tensor, Tensor]


@pytest.fixture(scope="session")
def parity() -> dict[str, Tensor]:
    with np.load(Path(__file__).parent / "parity" / "pytorch3d_0.7.9.npz") as archive:
        return {name: torch.from_numpy(archive[name]) for name in archive.files}


def _icosahedron() -> Mesh:
    golden = (1 + 5**0.5) / 2
    ring = [(0, s, t * golden) for s in (-1, 1) for t in (-1, 1)]
    vertices = torch.from_numpy(np.array([np.roll(v, shift) for shift in range(3) for v in ring], dtype=float))
    gaps = torch.cdist(vertices, vertices)
    near = (gaps > 0) & (gaps < 2.1)
    faces = [(i, j, k) for i in range(12) for j in range(i + 1, 12) for k in range(j + 1, 12) if near[i, j] and near[j, k] and near[k, i]]
    outward = [f if torch.linalg.det(vertices[list(f)]) > 0 else (f[0], f[2], f[1]) for f in faces]
    return vertices / vertices.norm(dim=1, keepdim=True), torch.tensor(outward)


@pytest.fixture(scope="session")
def sphere() -> Callable[..., Mesh]:
    """sphere(level, radius, dtype): an icosahedron divided `level` times, on the sphere."""

    def made(level: int = 2, radius: float = 1.0, dtype: torch.dtype = torch.float64) -> Mesh:
        vertices, faces = _icosahedron()
        for _ in range(level):
            fine = subdivide(mesh_batch([vertices], [faces]))
            vertices, faces = fine.vertices / fine.vertices.norm(dim=1, keepdim=True), fine.faces
        return (radius * vertices).to(dtype), faces

    return made


@pytest.fixture(scope="session")
def tetrahedron() -> Mesh:
    """Regular, edges √8."""
    vertices = torch.tensor([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=torch.float64)
    return vertices, torch.tensor([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]])


@pytest.fixture(scope="session")
def no_mesh() -> Mesh:
    return torch.zeros(0, 3, dtype=torch.float64), torch.zeros(0, 3, dtype=torch.int64)


@pytest.fixture(scope="session")
def mixed(sphere: Callable[..., Mesh], tetrahedron: Mesh, no_mesh: Mesh) -> MeshBatch:
    """A sphere, nothing, and a tetrahedron."""
    vertices, faces = zip(sphere(1), no_mesh, tetrahedron, strict=True)
    return mesh_batch(list(vertices), list(faces))


@pytest.fixture(scope="session")
def grid() -> Callable[[int], Mesh]:
    """grid(n): body-centred tetrahedra of n³ cubes in [−1, 1]³."""

    def made(n: int) -> Mesh:
        points, tets = body_centred_cubic(np.full(3, -1.0), np.full(3, 1.0), np.ones((n, n, n), dtype=bool))
        return torch.from_numpy(points), torch.from_numpy(tets)

    return made
