"""Normals, areas and volumes."""

from __future__ import annotations

import torch
from torch import Tensor

from cellml.meshops.batch import MeshBatch
from cellml.meshops.packing import sum_by_mesh


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


def face_areas(batch: MeshBatch) -> Tensor:
    """Area of each face, (F,) in the square of the vertices' unit."""
    return 0.5 * torch.linalg.vector_norm(area_vectors(batch), dim=1)


def surface_areas(batch: MeshBatch) -> Tensor:
    """Area of each mesh, (N,); 0 for an empty one."""
    return sum_by_mesh(face_areas(batch), batch.topology.face_mesh, len(batch))


def volumes(batch: MeshBatch) -> Tensor:
    """Volume inside each closed mesh, (N,) in the cube of the vertices' unit: Σ a · (b × c) / 6 (divergence theorem).

    Positive if faces are counter-clockwise seen from outside. Taken about each mesh's mean vertex, so that a mesh of 100 nm at 10⁴ nm
    keeps its digits in float32. An open mesh gets the volume of the cone from that point, which is rarely what is wanted.
    """
    a, b, c = batch.centred().corners().unbind(1)
    signed = (a * torch.linalg.cross(b, c, dim=1)).sum(1) / 6
    return sum_by_mesh(signed, batch.topology.face_mesh, len(batch))
