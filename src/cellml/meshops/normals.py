"""Normals of faces and vertices."""

from __future__ import annotations

import torch
from torch import Tensor

from cellml.meshops.batch import MeshBatch


def area_vectors(batch: MeshBatch) -> Tensor:
    """(b − a) × (c − a) of each face, (F, 3): along the outward normal, twice the area long. Differences first, so 10⁴ nm do no harm."""
    a, b, c = batch.corners().unbind(1)
    return torch.linalg.cross(b - a, c - a, dim=1)


def unit(vectors: Tensor) -> Tensor:
    """Vectors (…, D) divided by their length; zero stays zero, with a finite gradient."""
    length = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return vectors / torch.where(length > 0, length, 1.0)


def face_normals(batch: MeshBatch) -> Tensor:
    """Unit outward normals of the faces, (F, 3); zero for a face without area."""
    return unit(area_vectors(batch))


def vertex_normals(batch: MeshBatch) -> Tensor:
    """Unit outward normals at the vertices, (V, 3): the sum of the area vectors of the faces around, normalised; zero without faces."""
    summed = torch.zeros_like(batch.vertices)
    vectors = area_vectors(batch)
    for corner in range(3):
        summed = summed.index_add(0, batch.faces[:, corner], vectors)
    return unit(summed)
