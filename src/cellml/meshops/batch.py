"""Several triangle meshes of different sizes as one set of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cellml.errors import CellmlError
from cellml.meshops.packing import packed_to_padded
from cellml.meshops.topology import Topology
from cellml.types import Surface


@dataclass(frozen=True, eq=False)
class MeshBatch:
    """N triangle meshes, packed: all vertices in one tensor, all faces in another; a mesh may be empty.

    vertices: (V, 3) float, columns (x, y, z), in nm or any one length unit, with gradient where it has one; topology: faces and what
    follows from them, shared by all batches whose vertices alone differ. Raises CellmlError where the two disagree.
    """

    vertices: Tensor
    topology: Topology

    def __post_init__(self) -> None:
        if self.vertices.ndim != 2 or self.vertices.shape[1] != 3 or not self.vertices.is_floating_point():
            raise CellmlError(f"Vertices must be a float tensor (V, 3), got {self.vertices.dtype} {tuple(self.vertices.shape)}.")
        if len(self.vertices) != self.topology.vertex_total:
            raise CellmlError(
                f"{len(self.vertices)} vertices were given for meshes of {self.topology.vertex_counts} vertices, "
                f"{self.topology.vertex_total} together."
            )
        if self.vertices.device != self.topology.faces.device:
            raise CellmlError(f"Vertices are on {self.vertices.device}, faces on {self.topology.faces.device}; move one with `.to`.")

    def __len__(self) -> int:
        return len(self.topology)

    @property
    def faces(self) -> Tensor:
        """(F, 3) rows of the packed vertices."""
        return self.topology.faces

    @property
    def edges(self) -> Tensor:
        """(E, 2) rows of the packed vertices."""
        return self.topology.edges

    def corners(self) -> Tensor:
        """Where the corners of each face are, (F, 3 corners, 3)."""
        return self.vertices[self.faces]

    def with_vertices(self, vertices: Tensor) -> MeshBatch:
        """The same faces over other vertices, (V, 3)."""
        return MeshBatch(vertices, self.topology)

    def to(self, target: torch.device | torch.dtype | str) -> MeshBatch:
        """On another device, or in another precision."""
        vertices = self.vertices.to(target)
        if vertices.device == self.faces.device:
            return MeshBatch(vertices, self.topology)
        return MeshBatch(vertices, Topology(self.faces.to(vertices.device), self.topology.vertex_counts, self.topology.face_counts))

    def centred(self) -> MeshBatch:
        """Each mesh moved so that its mean vertex is the origin: sums of products keep their digits in float32 at 10⁴ nm.

        The shift counts as a constant, which changes no gradient of a quantity that does not depend on where the mesh is.
        """
        with torch.no_grad():
            sums = self.vertices.new_zeros(len(self), 3, dtype=torch.float64)
            sums.index_add_(0, self.topology.vertex_mesh, self.vertices.double())
            counts = torch.tensor(self.topology.vertex_counts, device=self.vertices.device).clamp(min=1)
            means = (sums / counts[:, None]).to(self.vertices.dtype)
        return self.with_vertices(self.vertices - means[self.topology.vertex_mesh])

    def vertex_list(self) -> list[Tensor]:
        """The vertices of each mesh, N tensors (V_n, 3)."""
        return [self.vertices[part] for part in self.topology.vertex_slices()]

    def face_list(self) -> list[Tensor]:
        """The faces of each mesh, N tensors (F_n, 3), counted from its own first vertex."""
        topology = self.topology
        return [self.faces[f] - v.start for f, v in zip(topology.face_slices(), topology.vertex_slices(), strict=True)]

    def padded_vertices(self) -> Tensor:
        """(N, max V_n, 3), zeros behind the vertices of smaller meshes."""
        return packed_to_padded(self.vertices, self.topology.vertex_counts)

    def padded_faces(self) -> Tensor:
        """(N, max F_n, 3), counted within each mesh, −1 behind the faces of smaller meshes."""
        own = torch.cat(self.face_list()) if len(self) else self.faces
        return packed_to_padded(own, self.topology.face_counts, fill=-1)

    def surfaces(self) -> list[Surface]:
        """Each mesh as a `Surface`, in float64, without gradient; lengths must be nm."""
        pairs = zip(self.vertex_list(), self.face_list(), strict=True)
        return [Surface(v.detach().double().cpu().numpy(), f.cpu().numpy(), f"mesh {n}") for n, (v, f) in enumerate(pairs)]


def mesh_batch(vertices: Sequence[Tensor], faces: Sequence[Tensor]) -> MeshBatch:
    """Pack meshes: vertices N × (V_n, 3) float, faces N × (F_n, 3) int64 counted within each mesh; either may have no rows.

    Raises CellmlError for a batch of nothing, mixed precisions or devices, and vertices that are not finite, naming the mesh.
    """
    if not vertices or len(vertices) != len(faces):
        raise CellmlError(f"A batch needs vertices and faces for each of at least one mesh, got {len(vertices)} and {len(faces)}.")
    kinds = sorted({f"{v.dtype} on {v.device}" for v in vertices})
    if len(kinds) > 1:
        raise CellmlError(f"The meshes of a batch must have one precision and one device, got {', '.join(kinds)}.")
    for n, (points, own) in enumerate(zip(vertices, faces, strict=True)):
        _check_mesh(n, points, own)
    counts = tuple(len(points) for points in vertices)
    starts = [sum(counts[:n]) for n in range(len(counts))]
    device = vertices[0].device
    packed = torch.cat([f.to(device, torch.int64).reshape(-1, 3) + start for f, start in zip(faces, starts, strict=True)])
    return MeshBatch(torch.cat([v.reshape(-1, 3) for v in vertices]), Topology(packed, counts, tuple(f.numel() // 3 for f in faces)))


def _check_mesh(n: int, vertices: Tensor, faces: Tensor) -> None:
    for rows, what in ((vertices, "vertices"), (faces, "faces")):
        if rows.numel() and (rows.ndim != 2 or rows.shape[1] != 3):
            raise CellmlError(f"The {what} of mesh {n} must be a tensor with 3 columns, got {tuple(rows.shape)}.")
    bad = (~torch.isfinite(vertices.reshape(-1, 3))).any(1)
    if bad.any():
        raise CellmlError(
            f"Mesh {n} has {int(bad.sum())} of {len(vertices)} vertices that are not finite, the first is vertex {int(bad.nonzero()[0])}."
        )


def repeated(vertices: Tensor, faces: Tensor) -> MeshBatch:
    """N shapes of one template: vertices (N, V, 3), faces (F, 3) shared by all."""
    if vertices.ndim != 3:
        raise CellmlError(f"Shapes of one template are a tensor (N, V, 3), got {tuple(vertices.shape)}.")
    return mesh_batch(list(vertices), [faces] * len(vertices))


def unpadded(vertices: Tensor, faces: Tensor, vertex_counts: Sequence[int]) -> MeshBatch:
    """Pack padded meshes: vertices (N, V, 3) of which the first vertex_counts[n] count, faces (N, F, 3) with −1 behind those of a mesh."""
    sizes = {len(vertices), len(faces), len(vertex_counts)}
    if vertices.ndim != 3 or faces.ndim != 3 or len(sizes) > 1 or max(vertex_counts, default=0) > vertices.shape[1]:
        raise CellmlError(
            f"Padded meshes are vertices (N, V, 3), faces (N, F, 3) and N counts up to V, got {tuple(vertices.shape)}, "
            f"{tuple(faces.shape)} and {tuple(vertex_counts)}."
        )
    real = (faces >= 0).all(2)
    own = [rows[kept] for rows, kept in zip(faces, real, strict=True)]
    return mesh_batch([rows[:count] for rows, count in zip(vertices, vertex_counts, strict=True)], own)


def batch_of_surfaces(surfaces: Sequence[Surface], dtype: torch.dtype = torch.float32) -> MeshBatch:
    """Pack surfaces (nm) as tensors of a precision, on the CPU."""
    return mesh_batch([torch.from_numpy(s.vertices).to(dtype) for s in surfaces], [torch.from_numpy(s.faces) for s in surfaces])
