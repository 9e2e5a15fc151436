"""Fewer edges by collapsing those that matter least: the pooling of MeshCNN (Hanocka et al. 2019, section 3.2)."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import torch
from torch import Tensor

from cellml.errors import CellmlError
from cellml.meshops.edge_features import EdgeMesh


@dataclass(frozen=True, eq=False)
class EdgePooling:
    """mesh: what is left; fine, coarse: (M,) an edge of the fine mesh and the coarse one it counts for; fine_count: edges before."""

    mesh: EdgeMesh
    fine: Tensor
    coarse: Tensor
    fine_count: int

    def pooled(self, features: Tensor) -> Tensor:
        """(E, C) → (E', C): the mean over the edges that each stands for."""
        return _means(features[self.fine], self.coarse, len(self.mesh.ends))

    def unpooled(self, features: Tensor) -> Tensor:
        """(E', C) → (E, C): the mean over the edges that each counted for, the pooling's partial inverse."""
        return _means(features[self.coarse], self.fine, self.fine_count)


def _means(values: Tensor, rows: Tensor, count: int) -> Tensor:
    sums = values.new_zeros(count, values.shape[1]).index_add(0, rows, values)
    sizes = torch.bincount(rows, minlength=count).clamp(min=1).to(values.dtype)
    return sums / sizes[:, None]


def collapse_edges(mesh: EdgeMesh, strength: Tensor, target: int) -> EdgePooling:
    """Collapse the weakest edges until at most `target` are left, or none can be.

    strength: (E,), such as the norm of each edge's features. A collapse joins an edge's two ends and, in either of its faces, the two
    other edges: three edges go, and the two that stay take in the features of the others. It is done only where the ends have exactly two
    neighbours in common (the link condition, Dey et al. 1999), so that a closed manifold mesh stays one, of the same genus. Raises
    CellmlError for a target below 6, the tetrahedron, and for strengths of another number.
    """
    if target < 6 or len(strength) != len(mesh.ends):
        raise CellmlError(f"At least 6 edges must stay and each needs a strength, got {target} and {len(strength)} of {len(mesh.ends)}.")
    draft = _Draft(mesh)
    heap = [(value, edge) for edge, value in enumerate(strength.detach().cpu().tolist())]
    heapq.heapify(heap)
    while draft.left > target and heap:
        _, edge = heapq.heappop(heap)
        if edge in draft.groups:
            draft.try_to_collapse(edge)
    return draft.result(mesh)


class _Draft:
    """The mesh while it is collapsed, in lists and sets: thousands of tiny steps are no work for tensors."""

    def __init__(self, mesh: EdgeMesh) -> None:
        self.ends = [list(pair) for pair in mesh.ends.tolist()]
        self.faces: dict[int, list[int]] = dict(enumerate(mesh.face_edges.tolist()))
        self.sides = [list(pair) for pair in mesh.edge_faces.tolist()]
        self.groups: dict[int, list[int]] = {edge: [edge] for edge in range(len(self.ends))}
        self.at: dict[int, set[int]] = {}
        for edge, pair in enumerate(self.ends):
            for vertex in pair:
                self.at.setdefault(vertex, set()).add(edge)

    @property
    def left(self) -> int:
        return len(self.groups)

    def _around(self, vertex: int) -> set[int]:
        return {end for edge in self.at[vertex] for end in self.ends[edge]} - {vertex}

    def try_to_collapse(self, edge: int) -> None:
        kept, lost = self.ends[edge]
        if self.left <= 6 or len(self._around(kept) & self._around(lost)) != 2:
            return
        own = list(self.groups[edge])
        for face in list(self.sides[edge]):
            others = [other for other in self.faces[face] if other != edge]
            stays, goes = others if kept in self.ends[others[0]] else others[::-1]
            beyond = next(f for f in self.sides[goes] if f != face)
            self.faces[beyond] = [stays if e == goes else e for e in self.faces[beyond]]
            self.sides[stays] = [beyond if f == face else f for f in self.sides[stays]]
            self.groups[stays] += self.groups.pop(goes) + own
            for vertex in self.ends[goes]:
                self.at[vertex].discard(goes)
            del self.faces[face]
        del self.groups[edge]
        self.at[kept].discard(edge)
        for moved in self.at.pop(lost) - {edge}:
            self.ends[moved] = [kept if vertex == lost else vertex for vertex in self.ends[moved]]
            self.at[kept].add(moved)

    def result(self, mesh: EdgeMesh) -> EdgePooling:
        device, kept, faces = mesh.ends.device, sorted(self.groups), sorted(self.faces)
        edge_number, face_number = {e: n for n, e in enumerate(kept)}, {f: n for n, f in enumerate(faces)}
        ends = torch.tensor([self.ends[e] for e in kept], device=device)
        face_edges = torch.tensor([[edge_number[e] for e in self.faces[f]] for f in faces], device=device)
        edge_faces = torch.tensor([[face_number[f] for f in self.sides[e]] for e in kept], device=device)
        fine = torch.tensor([member for e in kept for member in self.groups[e]], device=device)
        coarse = torch.tensor([edge_number[e] for e in kept for _ in self.groups[e]], device=device)
        return EdgePooling(EdgeMesh(ends, face_edges, edge_faces), fine, coarse, len(mesh.ends))
