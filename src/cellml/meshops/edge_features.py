"""Edges of a closed triangle mesh: their four neighbours, and five numbers that no rotation, translation or scaling changes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cellml.errors import CellmlError
from cellml.meshops.batch import MeshBatch
from cellml.meshops.geometry import face_normals


@dataclass(frozen=True, eq=False)
class EdgeMesh:
    """ends: (E, 2) vertices; face_edges: (F, 3) edges of each face, in its turning sense; edge_faces: (E, 2) the two faces of each edge."""

    ends: Tensor
    face_edges: Tensor
    edge_faces: Tensor

    @property
    def neighbours(self) -> Tensor:
        """(E, 4): a, b follow an edge in its first face, c, d in its second (Hanocka et al. 2019, figure 4)."""
        own = torch.arange(len(self.ends), device=self.ends.device)
        found = []
        for side in range(2):
            around = self.face_edges[self.edge_faces[:, side]]
            place = (around == own[:, None]).int().argmax(dim=1)
            found += [around[own, (place + 1) % 3], around[own, (place + 2) % 3]]
        return torch.stack(found, dim=1)


def edge_mesh(batch: MeshBatch) -> EdgeMesh:
    """Who is joined to whom along edges. Raises CellmlError unless every edge has exactly two faces."""
    topology = batch.topology
    sides = topology.face_edges[:, [2, 0, 1]]  # the edge from corner 0 to 1, then 1 to 2, then 2 to 0
    uses = torch.bincount(sides.reshape(-1), minlength=len(topology.edges))
    if bool((uses != 2).any()):
        raise CellmlError(
            f"{int((uses != 2).sum())} of {len(uses)} edges have another number of faces than two; edge convolutions need closed manifold "
            "meshes. Repair it first (cellml.surfaces.repair)."
        )
    order = sides.reshape(-1).sort(stable=True).indices
    return EdgeMesh(topology.edges, sides, (order // 3).reshape(-1, 2))


def edge_features(batch: MeshBatch, mesh: EdgeMesh) -> Tensor:
    """(E, 5): dihedral angle in [0, π] (π where flat), the two angles opposite to the edge, and the two ratios of the edge's length to the
    height above it, each pair sorted, because neither face comes first (Hanocka et al. 2019, section 3.1). Without gradient.
    """
    with torch.no_grad():
        normals = face_normals(batch)[mesh.edge_faces]
        dihedral = torch.pi - torch.acos((normals[:, 0] * normals[:, 1]).sum(1).clamp(-1, 1))
        start, end = batch.vertices[mesh.ends].unbind(1)
        length = torch.linalg.vector_norm(end - start, dim=1)
        angles, ratios = [], []
        for side in range(2):
            corners = batch.faces[mesh.edge_faces[:, side]]
            apart = (corners != mesh.ends[:, :1]) & (corners != mesh.ends[:, 1:])
            apex = batch.vertices[corners[apart]]
            a, b = start - apex, end - apex
            cross = torch.linalg.vector_norm(torch.linalg.cross(a, b, dim=1), dim=1)
            angles.append(torch.atan2(cross, (a * b).sum(1)))
            ratios.append(length.square() / cross.clamp(min=1e-12 * float(length.square().mean().clamp(min=1e-30))))
        pairs = [torch.stack(pair, dim=1).sort(dim=1).values for pair in (angles, ratios)]
        return torch.cat([dihedral[:, None], pairs[0], pairs[1].clamp(max=100)], dim=1)
