"""Laplacians of triangle meshes: as sparse matrices, and applied to the vertices without one.

Applied, they are sums of w_ij (v_j − v_i): differences first, so that float32 at 10⁴ nm loses nothing, and no matrix is sorted.
"""

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


def pull(batch: MeshBatch, weights: Tensor) -> Tensor:
    """Σ_j w_ij (v_j − v_i) over the neighbours of each vertex, (V, 3), for weights (E,) of the edges."""
    first, second = batch.edges.unbind(1)
    along = weights[:, None] * (batch.vertices[second] - batch.vertices[first])
    return torch.zeros_like(batch.vertices).index_add(0, first, along).index_add(0, second, -along)


def pull_by_cotangents(batch: MeshBatch, angles: Tensor) -> Tensor:
    """Σ_j (cot α_ij + cot β_ij)(v_j − v_i), (V, 3), for the `cotangents` (F, 3) of all corners."""
    corners, faces = batch.corners(), batch.faces
    summed = torch.zeros_like(batch.vertices)
    for corner in range(3):  # the side opposite to it runs from the next corner to the last
        start, end = (corner + 1) % 3, (corner + 2) % 3
        along = angles[:, corner, None] * (corners[:, end] - corners[:, start])
        summed = summed.index_add(0, faces[:, start], along).index_add(0, faces[:, end], -along)
    return summed


def sum_over_edges(batch: MeshBatch, weights: Tensor) -> Tensor:
    """Σ_j w_ij over the neighbours of each vertex, (V, 1), for weights (E,) of the edges."""
    return batch.vertices.new_zeros(len(batch.vertices)).index_add(0, batch.edges.reshape(-1), weights.repeat_interleave(2))[:, None]


def sum_of_cotangents(batch: MeshBatch, angles: Tensor) -> Tensor:
    """Σ_j (cot α_ij + cot β_ij), (V, 1), for the `cotangents` (F, 3) of all corners."""
    around = angles.sum(1, keepdim=True) - angles  # a corner sees the angles at the other two, opposite to its two sides
    return batch.vertices.new_zeros(len(batch.vertices)).index_add(0, batch.faces.reshape(-1), around.reshape(-1))[:, None]


def over(values: Tensor, total: Tensor) -> Tensor:
    """Values / total where the total is positive, else 0, with finite gradients."""
    return torch.where(total > 0, values / torch.where(total > 0, total, 1.0), 0.0)
