"""Laplacian matrices of triangle meshes."""

from __future__ import annotations

import torch
from torch import Tensor

from cellml.meshops.batch import MeshBatch


def uniform_laplacian(batch: MeshBatch) -> Tensor:
    """Sparse (V, V): L_ij = 1/deg(i) on edges, L_ii = −1, so that (L v)_i points from v_i to the mean of its neighbours.

    Rows of vertices without edges are zero.
    """
    ends, size = batch.edges, len(batch.vertices)
    degree = torch.bincount(ends.reshape(-1), minlength=size).to(batch.vertices.dtype)
    joined = torch.nonzero(degree).reshape(-1)
    rows = torch.cat([ends[:, 0], ends[:, 1], joined])
    columns = torch.cat([ends[:, 1], ends[:, 0], joined])
    values = torch.cat([1 / degree[ends[:, 0]], 1 / degree[ends[:, 1]], -torch.ones_like(degree[joined])])
    return torch.sparse_coo_tensor(torch.stack([rows, columns]), values, (size, size), check_invariants=False).coalesce()


def cotangents(batch: MeshBatch) -> Tensor:
    """Cotangent of the angle at each corner, (F, 3): (b − a)·(c − a) / |(b − a) × (c − a)|, with gradient.

    A face without area has no angles: the denominator is kept above 10⁻⁶ of the longest squared side, which bounds the cotangents by 10⁶.
    """
    corners = batch.corners()
    after, before = corners.roll(-1, dims=1) - corners, corners.roll(1, dims=1) - corners
    dots = (after * before).sum(-1)
    area2 = torch.linalg.vector_norm(torch.linalg.cross(after[:, 0], before[:, 0], dim=1), dim=1)
    longest2 = after.square().sum(-1).amax(dim=1).detach()
    floor = torch.where(longest2 > 0, 1e-6 * longest2, 1.0)
    return dots / torch.maximum(area2, floor)[:, None]


def cotangent_laplacian(batch: MeshBatch) -> Tensor:
    """Sparse (V, V), symmetric, without its diagonal: L_ij = cot α_ij + cot β_ij, the angles opposite to edge ij (Desbrun et al. 1999).

    Σ_j L_ij (v_j − v_i) is −2 times the gradient of the area; with gradient through the angles.
    """
    size, faces = len(batch.vertices), batch.faces
    values = cotangents(batch).reshape(-1)
    rows, columns = faces[:, [1, 2, 0]].reshape(-1), faces[:, [2, 0, 1]].reshape(-1)
    index = torch.stack([torch.cat([rows, columns]), torch.cat([columns, rows])])
    return torch.sparse_coo_tensor(index, torch.cat([values, values]), (size, size), check_invariants=False).coalesce()


def distance_laplacian(batch: MeshBatch) -> Tensor:
    """Sparse (V, V), symmetric, without its diagonal: L_ij = 1 / ‖v_i − v_j‖ on edges (Taubin 1995), with gradient.

    Coinciding neighbours count as 10⁻¹² apart.
    """
    ends, size = batch.edges, len(batch.vertices)
    a, b = batch.vertices[ends].unbind(1)
    values = 1 / (torch.linalg.vector_norm(a - b, dim=1) + 1e-12)
    index = torch.stack([torch.cat([ends[:, 0], ends[:, 1]]), torch.cat([ends[:, 1], ends[:, 0]])])
    return torch.sparse_coo_tensor(index, torch.cat([values, values]), (size, size), check_invariants=False).coalesce()


def row_sums(matrix: Tensor) -> Tensor:
    """Sum of each row of a coalesced sparse matrix, (V, 1)."""
    return matrix.values().new_zeros(matrix.shape[0]).index_add(0, matrix.indices()[0], matrix.values())[:, None]
