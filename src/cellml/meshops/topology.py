"""Who is joined to whom in a batch of triangle meshes: everything about it that does not depend on where the vertices are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from cellml.errors import CellmlError


class Hinges(NamedTuple):
    """Pairs of faces that share an edge: edge (H,) row of `Topology.edges`; first, second (H,) the corner opposite to it in each face."""

    edge: Tensor
    first: Tensor
    second: Tensor


@dataclass(frozen=True, eq=False)
class Topology:
    """Faces of N meshes, one after the other (packed), and what follows from them, computed once and only when asked for.

    faces: (F, 3) int64, rows of the packed vertices, counter-clockwise seen from outside; vertex_counts, face_counts: N numbers, of which
    any may be 0. Raises CellmlError where counts and faces disagree, a face names a vertex of another mesh, or one vertex twice.
    """

    faces: Tensor
    vertex_counts: tuple[int, ...]
    face_counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.faces.ndim != 2 or self.faces.shape[1] != 3 or self.faces.dtype != torch.int64:
            raise CellmlError(f"Faces must be an int64 tensor (F, 3), got {self.faces.dtype} {tuple(self.faces.shape)}.")
        if len(self.vertex_counts) != len(self.face_counts):
            raise CellmlError(f"{len(self.vertex_counts)} meshes have vertices but {len(self.face_counts)} have faces; give both for each.")
        if sum(self.face_counts) != len(self.faces):
            raise CellmlError(
                f"The face counts {self.face_counts} add up to {sum(self.face_counts)}, but there are {len(self.faces)} faces."
            )
        if len(self.faces):
            self._check_faces()

    def _check_faces(self) -> None:
        first = _starts(self.vertex_counts, self.faces.device)[self.face_mesh, None]
        size = torch.tensor(self.vertex_counts, device=self.faces.device)[self.face_mesh, None]
        outside = ((self.faces < first) | (self.faces >= first + size)).any(1)
        if outside.any():
            face = int(outside.nonzero()[0])
            mesh = int(self.face_mesh[face])
            corners = (self.faces[face] - first[face]).tolist()
            raise CellmlError(
                f"A face of mesh {mesh} names the vertices {corners}, but that mesh has {self.vertex_counts[mesh]} (0 to "
                f"{self.vertex_counts[mesh] - 1})."
            )
        a, b, c = self.faces.unbind(1)
        twice = (a == b) | (b == c) | (c == a)
        if twice.any():
            raise CellmlError(
                f"{int(twice.sum())} of {len(self.faces)} faces name a vertex twice, the first is face {int(twice.nonzero()[0])}; "
                "drop them, they bound nothing."
            )

    def __len__(self) -> int:
        return len(self.vertex_counts)

    @property
    def vertex_total(self) -> int:
        """Vertices of all meshes together."""
        return sum(self.vertex_counts)

    @cached_property
    def vertex_mesh(self) -> Tensor:
        """(V,) the mesh of each vertex."""
        return _owners(self.vertex_counts, self.faces.device)

    @cached_property
    def face_mesh(self) -> Tensor:
        """(F,) the mesh of each face."""
        return _owners(self.face_counts, self.faces.device)

    @cached_property
    def _edges_and_sides(self) -> tuple[Tensor, Tensor]:
        ends = self.faces[:, [[1, 2], [2, 0], [0, 1]]].sort(dim=2).values
        codes = ends[..., 0] * max(self.vertex_total, 1) + ends[..., 1]
        unique, sides = torch.unique(codes, return_inverse=True)
        total = max(self.vertex_total, 1)
        return torch.stack([unique // total, unique % total], dim=1), sides.reshape(-1, 3)

    @property
    def edges(self) -> Tensor:
        """(E, 2) packed vertices that a face joins, smaller first, each pair once, in ascending order (so mesh after mesh)."""
        return self._edges_and_sides[0]

    @property
    def face_edges(self) -> Tensor:
        """(F, 3) rows of `edges`: the edge opposite to each corner."""
        return self._edges_and_sides[1]

    @cached_property
    def edge_mesh(self) -> Tensor:
        """(E,) the mesh of each edge."""
        return self.vertex_mesh[self.edges[:, 0]]

    @cached_property
    def edge_counts(self) -> tuple[int, ...]:
        """Edges of each mesh."""
        return tuple(torch.bincount(self.edge_mesh, minlength=len(self)).tolist())

    @cached_property
    def border_edges(self) -> Tensor:
        """(E,) bool: edges of one face only."""
        return torch.bincount(self.face_edges.reshape(-1), minlength=len(self.edges)) == 1

    @cached_property
    def hinges(self) -> Hinges:
        """Every pair of faces at an edge: one at an ordinary edge, none at a border, k(k−1)/2 where k faces meet."""
        edge, order = self.face_edges.reshape(-1).sort(stable=True)
        corner = self.faces.reshape(-1)[order]
        most = int(torch.bincount(edge).max()) if len(edge) else 0
        firsts = [torch.nonzero(edge[:-apart] == edge[apart:]).reshape(-1) for apart in range(1, most)]
        if not firsts:
            return Hinges(edge[:0], corner[:0], corner[:0])
        first, second = torch.cat(firsts), torch.cat([rows + apart for apart, rows in enumerate(firsts, start=1)])
        return Hinges(edge[first], corner[first], corner[second])

    def vertex_slices(self) -> list[slice]:
        """Where each mesh stands among the packed vertices."""
        return _slices(self.vertex_counts)

    def face_slices(self) -> list[slice]:
        """Where each mesh stands among the packed faces."""
        return _slices(self.face_counts)


def _starts(counts: tuple[int, ...], device: torch.device) -> Tensor:
    sizes = torch.tensor(counts, dtype=torch.int64, device=device)
    return sizes.cumsum(0) - sizes


def _owners(counts: tuple[int, ...], device: torch.device) -> Tensor:
    sizes = torch.tensor(counts, dtype=torch.int64, device=device)
    return torch.repeat_interleave(torch.arange(len(counts), device=device), sizes)


def _slices(counts: tuple[int, ...]) -> list[slice]:
    ends = [0, *torch.tensor(counts, dtype=torch.int64).cumsum(0).tolist()]
    return [slice(begin, end) for begin, end in pairwise(ends)]
