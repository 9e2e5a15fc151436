"""A loss that keeps edges short, or of one length."""

from __future__ import annotations

import torch
from torch import Tensor

from cellml.meshops import backend
from cellml.meshops.batch import MeshBatch
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
