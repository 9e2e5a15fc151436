"""What a mesh network deforms: spheres, or the mean of many star-shaped surfaces."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from cellml.errors import CellmlError
from cellml.meshops.batch import MeshBatch, mesh_batch
from cellml.meshops.subdivision import subdivide


def icosphere(level: int) -> MeshBatch:
    """A unit sphere of 20 · 4^level faces: the icosahedron, its faces split in four `level` times, vertices put back on the sphere."""
    if not 0 <= level <= 7:
        raise CellmlError(f"An icosphere is split 0 to 7 times, not {level}.")
    golden = (1 + 5**0.5) / 2
    corners = torch.tensor(
        [(-1, golden, 0), (1, golden, 0), (-1, -golden, 0), (1, -golden, 0), (0, -1, golden), (0, 1, golden),
         (0, -1, -golden), (0, 1, -golden), (golden, 0, -1), (golden, 0, 1), (-golden, 0, -1), (-golden, 0, 1)]
    )  # fmt: skip
    faces = torch.tensor(
        [(0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4), (11, 10, 2), (10, 7, 6), (7, 1, 8),
         (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9), (4, 9, 5), (2, 4, 11), (6, 2, 10), (8, 6, 7), (9, 8, 1)]
    )  # fmt: skip
    sphere = mesh_batch([corners / (1 + golden**2) ** 0.5], [faces])
    for _ in range(level):
        sphere = subdivide(sphere)
        sphere = sphere.with_vertices(sphere.vertices / torch.linalg.vector_norm(sphere.vertices, dim=1, keepdim=True))
    return sphere


def mean_shape(clouds: Tensor, directions: Tensor) -> Tensor:
    """The mean of N surfaces: the mean centre, and along each direction the mean distance from the surface's own centre.

    clouds: (N, P, 3), points on each surface; directions: (V, 3) unit vectors. A surface's radius along a direction is that of its point
    seen nearest to it. Returns vertices (V, 3).
    """
    from scipy.spatial import cKDTree

    centres = clouds.mean(dim=1)
    offsets = (clouds - centres[:, None]).double().numpy()
    radii = []
    for cloud in offsets:
        radius = np.linalg.norm(cloud, axis=1)
        nearest = cKDTree(cloud / np.maximum(radius, 1e-12)[:, None]).query(directions.double().numpy())[1]
        radii.append(radius[nearest])
    mean = torch.from_numpy(np.mean(radii, axis=0)).to(clouds.dtype)
    return centres.mean(dim=0) + mean[:, None] * directions
