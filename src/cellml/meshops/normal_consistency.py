"""A loss that keeps neighbouring faces in one plane."""

from __future__ import annotations

import torch
from torch import Tensor

from cellml.meshops import backend
from cellml.meshops.batch import MeshBatch
from cellml.meshops.normals import unit
from cellml.meshops.packing import mean_over_meshes


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
