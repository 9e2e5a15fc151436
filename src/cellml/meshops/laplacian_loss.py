"""Three losses that keep vertices near the mean of their neighbours, by uniform, cotangent and curvature weights.

In each the Laplacian is a constant: gradients go through the vertices that it is applied to, not through its weights. Each is the mean over
meshes of the mesh's mean of ‖δ_i‖ over its vertices; vertices without neighbours, and empty meshes, add 0.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cellml.meshops import backend
from cellml.meshops.batch import MeshBatch
from cellml.meshops.laplacians import cotangent_laplacian, row_sums, uniform_laplacian
from cellml.meshops.measures import face_areas
from cellml.meshops.packing import mean_over_meshes


@backend.instead_of(backend.uniform_laplacian_loss)
def uniform_laplacian_loss(batch: MeshBatch) -> Tensor:
    """δ_i = mean of the neighbours − v_i (Nealen et al. 2006); scalar, in the vertices' unit."""
    centred = batch.centred()
    with torch.no_grad():
        laplacian = uniform_laplacian(centred)
    return _mean_length(laplacian @ centred.vertices, batch)


@backend.instead_of(backend.cotangent_laplacian_loss)
def cotangent_laplacian_loss(batch: MeshBatch) -> Tensor:
    """δ_i = Σ_j w_ij v_j − v_i with w_ij = (cot α + cot β) / Σ_j (cot α + cot β) (Desbrun et al. 1999); scalar, in the vertices' unit.

    A vertex whose weights do not add up to more than 0 (obtuse or no faces around it) adds 0.
    """
    centred = batch.centred()
    with torch.no_grad():
        laplacian = cotangent_laplacian(centred)
        total = row_sums(laplacian)
        inverse = torch.where(total > 0, 1 / torch.where(total > 0, total, 1.0), 0.0)
    offset = (laplacian @ centred.vertices) * inverse - torch.where(total > 0, centred.vertices, 0.0)
    return _mean_length(offset, batch)


@backend.instead_of(backend.curvature_laplacian_loss)
def curvature_laplacian_loss(batch: MeshBatch) -> Tensor:
    """δ_i = Σ_j (cot α + cot β)(v_j − v_i) / 4A_i, A_i the area of the faces around (Desbrun et al. 1999, eq. 14); scalar, one over the unit.

    On a well-sampled smooth surface ‖δ_i‖ is about |H|/3, since A_i is three times the vertex's own share; see `curvature.mean_curvature`.
    """
    centred = batch.centred()
    with torch.no_grad():
        laplacian = cotangent_laplacian(centred)
        total = row_sums(laplacian)
        area = centred.vertices.new_zeros(len(centred.vertices))
        area.index_add_(0, centred.faces.reshape(-1), face_areas(centred).repeat_interleave(3))
        inverse = torch.where(area > 0, 0.25 / torch.where(area > 0, area, 1.0), 0.0)[:, None]
    return _mean_length((laplacian @ centred.vertices - total * centred.vertices) * inverse, batch)


def _mean_length(offsets: Tensor, batch: MeshBatch) -> Tensor:
    return mean_over_meshes(torch.linalg.vector_norm(offsets, dim=1), batch.topology.vertex_mesh, len(batch))
