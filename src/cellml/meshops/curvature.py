"""Mean curvature at the vertices, with gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from cellml.meshops.batch import MeshBatch
from cellml.meshops.geometry import face_areas, vertex_normals
from cellml.meshops.laplacians import cotangents, pull_by_cotangents


def mixed_areas(batch: MeshBatch) -> Tensor:
    """The part of the surface nearest to each vertex, (V,): adds up to the area of the mesh (Meyer et al. 2003, figure 4).

    In an acute face the Voronoi region of the corner, (|ab|² cot γ + |ac|² cot β) / 8; in an obtuse face half of its area for the obtuse
    corner, a quarter for the others.
    """
    corners, angles, area = batch.corners(), cotangents(batch), face_areas(batch)
    squared = (corners.roll(-1, dims=1) - corners).square().sum(-1)  # sides 01, 12, 20
    weighted = squared * angles.roll(1, dims=1)  # times the cotangent opposite: corners 2, 0, 1
    voronoi = (weighted + weighted.roll(1, dims=1)) / 8
    obtuse = angles < 0
    shares = torch.where(obtuse, 0.5, 0.25) * area[:, None]
    parts = torch.where(obtuse.any(1, keepdim=True), shares, voronoi)
    return batch.vertices.new_zeros(len(batch.vertices)).index_add(0, batch.faces.reshape(-1), parts.reshape(-1))


def mean_curvature(batch: MeshBatch) -> Tensor:
    """Mean curvature H = (κ₁ + κ₂) / 2 at each vertex, (V,), in one over the vertices' unit; positive where the surface bulges outwards.

    H n = Σ_j (cot α_ij + cot β_ij)(v_i − v_j) / 4A_i over the mixed area A_i (Meyer et al. 2003, eq. 8); a sphere of radius R has 1/R
    everywhere. Zero where it has no meaning: on the border of an open mesh, and at vertices without faces or with flat ones only.
    """
    bend = -pull_by_cotangents(batch, cotangents(batch))
    area = mixed_areas(batch)
    sign = torch.sign((bend * vertex_normals(batch)).sum(1)).detach()
    known = (area > 0) & ~_on_border(batch)
    return torch.where(known, sign * torch.linalg.vector_norm(bend, dim=1) / (4 * torch.where(known, area, 1.0)), 0.0)


def _on_border(batch: MeshBatch) -> Tensor:
    marked = torch.zeros(len(batch.vertices), dtype=torch.bool, device=batch.vertices.device)
    marked[batch.edges[batch.topology.border_edges].reshape(-1)] = True
    return marked
