"""Each face in four, by the midpoints of its edges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from cellml.meshops import backend
from cellml.meshops.batch import MeshBatch
from cellml.meshops.topology import Topology


@dataclass(frozen=True, eq=False)
class Subdivision:
    """The step from a coarse topology to the one with a new vertex on each edge; made once for a template, used for all its shapes.

    The vertices of a fine mesh are those of the coarse one, then one for each of its edges in their order.
    """

    coarse: Topology

    @cached_property
    def order(self) -> Tensor:
        """(V + E,) which row of [vertices, midpoints] each fine vertex is: mesh after mesh."""
        total, device = self.coarse.vertex_total, self.coarse.faces.device
        edge_rows = torch.arange(len(self.coarse.edges), device=device).split(list(self.coarse.edge_counts))
        rows = [
            torch.cat([torch.arange(part.start, part.stop, device=device), edges + total])
            for part, edges in zip(self.coarse.vertex_slices(), edge_rows, strict=True)
        ]
        return torch.cat(rows) if rows else torch.zeros(0, dtype=torch.int64, device=device)

    @cached_property
    def fine(self) -> Topology:
        """Corner faces (v₀, m₂, m₁), (v₁, m₀, m₂), (v₂, m₁, m₀) and the middle one (m₀, m₁, m₂); m_i on the edge opposite to v_i."""
        coarse = self.coarse
        places = torch.empty_like(self.order)
        places[self.order] = torch.arange(len(self.order), device=places.device)
        v, m = places[coarse.faces], places[coarse.face_edges + coarse.vertex_total]
        around = [torch.stack([v[:, i], m[:, (i + 2) % 3], m[:, (i + 1) % 3]], dim=1) for i in range(3)]
        parts = [torch.cat([kind[part] for kind in (*around, m)]) for part in coarse.face_slices()]
        sizes = zip(coarse.vertex_counts, coarse.edge_counts, strict=True)
        faces = torch.cat(parts) if parts else coarse.faces
        return Topology(faces, tuple(v + e for v, e in sizes), tuple(4 * n for n in coarse.face_counts))

    def extended(self, values: Tensor, new: Tensor) -> Tensor:
        """Values of the fine vertices, (V + E, C), from those of the coarse vertices (V, C) and of the new ones (E, C)."""
        return torch.cat([values, new])[self.order]

    def midpoints(self, values: Tensor) -> Tensor:
        """Values (V, C) → (E, C): the mean of the two ends of each edge."""
        a, b = values[self.coarse.edges].unbind(1)
        return (a + b) / 2

    def interpolated(self, values: Tensor) -> Tensor:
        """Values of the coarse vertices (V, C) → of the fine ones (V + E, C), means at the new."""
        return self.extended(values, self.midpoints(values))


@backend.instead_of(backend.subdivide)
def subdivide(batch: MeshBatch) -> MeshBatch:
    """Each face in four, its plane and orientation kept: midpoint subdivision, with gradient to the vertices.

    The fine mesh has V + E vertices and 4F faces; areas, volumes, holes and borders stay.
    """
    step = Subdivision(batch.topology)
    return MeshBatch(step.interpolated(batch.vertices), step.fine)
