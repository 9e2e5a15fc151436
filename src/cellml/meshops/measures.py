"""Areas and volumes."""

from __future__ import annotations

import torch
from torch import Tensor

from cellml.meshops.batch import MeshBatch
from cellml.meshops.normals import area_vectors
from cellml.meshops.packing import sum_by_mesh


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
