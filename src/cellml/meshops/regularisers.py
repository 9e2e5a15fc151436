"""Losses that keep a mesh fair: edges of one length, neighbouring faces in one plane, vertices near the mean of their neighbours.

Each is the mean over meshes of the mesh's own mean, so that a fine mesh weighs no more than a coarse one; an empty mesh adds 0. In the
three Laplacian losses the Laplacian is a constant: gradients go through the vertices that it is applied to, not through its weights.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cellml.meshops import backend
from cellml.meshops.batch import MeshBatch
from cellml.meshops.geometry import face_areas, unit
from cellml.meshops.laplacians import cotangents, over, pull, pull_by_cotangents, sum_of_cotangents, sum_over_edges
from cellml.meshops.packing import mean_over_meshes


def edge_lengths(batch: MeshBatch) -> Tensor:
    """Length of each edge, (E,), in the vertices' unit."""
    a, b = batch.vertices[batch.edges].unbind(1)
    return torch.linalg.vector_norm(a - b, dim=1)


@backend.instead_of(backend.edge_loss)
def edge_loss(batch: MeshBatch, target_length: float = 0.0) -> Tensor:
    """Mean over meshes of each mesh's mean of (length − target)² over its edges, scalar (Wang et al. 2018, "edge length regularization").

    target_length in the vertices' unit. An empty mesh adds 0.
    """
    return mean_over_meshes((edge_lengths(batch) - target_length).square(), batch.topology.edge_mesh, len(batch))


@backend.instead_of(backend.normal_consistency)
def normal_consistency(batch: MeshBatch) -> Tensor:
    """Mean over meshes of each mesh's mean of 1 − cos(n₀, n₁) over pairs of faces that share an edge, scalar in [0, 2].

    At an edge (v₀, v₁) with opposite corners a, b: n₀ = (v₁ − v₀) × (a − v₀), n₁ = −(v₁ − v₀) × (b − v₀), so that the order of the
    corners in a face does not matter. Where k faces meet at an edge, all k(k−1)/2 pairs count. A face without area counts as
    perpendicular to its neighbours. A mesh without shared edges adds 0.
    """
    topology = batch.topology
    edge, first, second = topology.hinges
    start, end = batch.vertices[topology.edges[edge]].unbind(1)
    along = end - start
    normals = [unit(torch.linalg.cross(along, batch.vertices[corner] - start, dim=1)) for corner in (first, second)]
    return mean_over_meshes(1 + (normals[0] * normals[1]).sum(1), topology.edge_mesh[edge], len(batch))


@backend.instead_of(backend.uniform_laplacian_loss)
def uniform_laplacian_loss(batch: MeshBatch) -> Tensor:
    """δ_i = mean of the neighbours − v_i (Nealen et al. 2006); scalar, in the vertices' unit. Vertices without neighbours add 0."""
    ones = batch.vertices.new_ones(len(batch.edges))
    return _mean_length(over(pull(batch, ones), sum_over_edges(batch, ones)), batch)


@backend.instead_of(backend.cotangent_laplacian_loss)
def cotangent_laplacian_loss(batch: MeshBatch) -> Tensor:
    """δ_i = Σ_j w_ij v_j − v_i with w_ij = (cot α + cot β) / Σ_j (cot α + cot β) (Desbrun et al. 1999); scalar, in the vertices' unit.

    A vertex whose weights do not add up to more than 0 (obtuse or no faces around it) adds 0.
    """
    angles = cotangents(batch).detach()
    return _mean_length(over(pull_by_cotangents(batch, angles), sum_of_cotangents(batch, angles)), batch)


@backend.instead_of(backend.curvature_laplacian_loss)
def curvature_laplacian_loss(batch: MeshBatch) -> Tensor:
    """δ_i = Σ_j (cot α + cot β)(v_j − v_i) / 4A_i, A_i the area of the faces around (Desbrun et al. 1999, eq. 14); scalar, 1/unit.

    On a well-sampled smooth surface ‖δ_i‖ is about |H|/3, since A_i is three times the vertex's own share; see `curvature.mean_curvature`.
    """
    areas = face_areas(batch).detach().repeat_interleave(3)
    around = batch.vertices.new_zeros(len(batch.vertices)).index_add(0, batch.faces.reshape(-1), areas)[:, None]
    return _mean_length(over(pull_by_cotangents(batch, cotangents(batch).detach()), 4 * around), batch)


def _mean_length(offsets: Tensor, batch: MeshBatch) -> Tensor:
    return mean_over_meshes(torch.linalg.vector_norm(offsets, dim=1), batch.topology.vertex_mesh, len(batch))
