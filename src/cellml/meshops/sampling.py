"""Points spread over the surfaces of a batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cellml.errors import CellmlError
from cellml.meshops.batch import MeshBatch
from cellml.meshops.chamfer import Cloud
from cellml.meshops.geometry import face_areas, face_normals


@dataclass(frozen=True, eq=False)
class SurfaceSamples:
    """points, normals: (N, S, 3), with gradient to the vertices; faces: (N, S) packed rows; counts: S, or 0 for a mesh without faces."""

    points: Tensor
    normals: Tensor
    faces: Tensor
    counts: tuple[int, ...]

    def cloud(self) -> Cloud:
        """As `chamfer_distance` takes them."""
        return Cloud(self.points, self.counts, self.normals)


def sample_surfaces(batch: MeshBatch, count: int, generator: torch.Generator, density: Tensor | None = None) -> SurfaceSamples:
    """`count` independent points on each mesh, uniform in area, or by area times `density` of each face, (F,) ≥ 0 (by curvature, say).

    On a face (a, b, c) with u, v uniform: p = (1 − √u) a + √u (1 − v) b + √u v c (Osada et al. 2002, eq. 1). Faces are drawn by inverting
    the cumulative area in float64, so that small faces beside 10⁷ others keep their share. The numbers come from `generator` on its own
    device, hence the same on CPU and GPU if it is a CPU generator. An empty mesh gets zeros and count 0. Raises CellmlError where a
    mesh has faces but no area (or no density), vertices are not finite, or count < 1.
    """
    if count < 1:
        raise CellmlError(f"At least one point must be sampled from each mesh, got {count}.")
    if not torch.isfinite(batch.vertices).all():
        raise CellmlError(
            f"{int((~torch.isfinite(batch.vertices)).any(1).sum())} of {len(batch.vertices)} vertices are not finite numbers."
        )
    uniform = torch.rand(3, len(batch), count, generator=generator, device=generator.device, dtype=torch.float64).to(batch.vertices.device)
    with torch.no_grad():
        faces, filled = _drawn_faces(batch, uniform[0], density)
    if not len(batch.faces):
        zeros = batch.vertices.new_zeros(len(batch), count, 3)
        return SurfaceSamples(zeros, zeros.clone(), faces, (0,) * len(batch))
    root, v = uniform[1].sqrt().to(batch.vertices.dtype), uniform[2].to(batch.vertices.dtype)
    weights = torch.stack([1 - root, root * (1 - v), root * v], dim=-1)
    mask = filled[:, None, None].to(batch.vertices.dtype)
    points = (weights[..., None] * batch.corners()[faces]).sum(2) * mask
    return SurfaceSamples(points, face_normals(batch)[faces] * mask, faces, tuple(count if full else 0 for full in filled.tolist()))


def _drawn_faces(batch: MeshBatch, uniform: Tensor, density: Tensor | None) -> tuple[Tensor, Tensor]:
    """Packed rows of the drawn faces, (N, S), and which meshes have any, (N,)."""
    shares = face_areas(batch).double()
    if density is not None:
        if density.shape != shares.shape or bool((density < 0).any()) or not bool(torch.isfinite(density).all()):
            raise CellmlError(f"The density must be {len(shares)} finite numbers ≥ 0, one a face, got {tuple(density.shape)}.")
        shares = shares * density.double()
    faces = torch.zeros(uniform.shape, dtype=torch.int64, device=uniform.device)
    filled = torch.tensor([n > 0 for n in batch.topology.face_counts], device=uniform.device)
    for n, part in enumerate(batch.topology.face_slices()):
        if part.stop > part.start:
            cumulative = shares[part].cumsum(0)
            if not bool(cumulative[-1] > 0):
                raise CellmlError(
                    f"Mesh {n} has {part.stop - part.start} faces but no area to sample; its vertices coincide or lie on a line."
                )
            last = int(torch.nonzero(shares[part])[-1])
            faces[n] = part.start + torch.searchsorted(cumulative, uniform[n] * cumulative[-1], right=True).clamp(max=last)
    return faces, filled
