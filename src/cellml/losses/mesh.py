"""The losses of Pixel2Mesh: Chamfer distance, normals, Laplacian and edges, at every stage (Wang et al. 2018, section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.losses.record import LossRecord
from cellml.meshops.batch import MeshBatch
from cellml.meshops.chamfer import Cloud, chamfer_distance
from cellml.meshops.curvature import mean_curvature
from cellml.meshops.geometry import surface_areas, unit
from cellml.meshops.graph_convolution import neighbour_sums
from cellml.meshops.neighbours import nearest_neighbours
from cellml.meshops.packing import mean_over_meshes
from cellml.meshops.regularisers import edge_loss
from cellml.meshops.sampling import sample_surfaces

if TYPE_CHECKING:
    from cellml.nets.pixel2mesh import Deformation


class Pixel2MeshLoss(nn.Module):
    """Σ over stages of w_c · Chamfer + w_n · normals + w_l · Laplacian + w_e · edges, lengths as the meshes have them.

    chamfer, normal, laplacian, edge: the weights (the paper's, 1, 1.6e-4, 0.3 and 0.1, are for sums over its own units); samples: points on
    each predicted surface; curvature: how much denser curved places are sampled, 0 for evenly in area. The points are drawn from a
    generator that starts anew at `seed` with each call, which keeps training resumable.
    """

    def __init__(
        self,
        chamfer: float = 1.0,
        normal: float = 1e-3,
        laplacian: float = 0.1,
        edge: float = 0.02,
        samples: int = 1000,
        curvature: float = 0.5,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if min(chamfer, normal, laplacian, edge, curvature) < 0 or samples < 1:
            raise CellmlError("The weights of Pixel2MeshLoss must be at least 0, and samples at least 1.")
        self.weights = {"chamfer": chamfer, "normal": normal, "laplacian": laplacian, "edge": edge}
        self.samples, self.curvature, self.seed = samples, curvature, seed

    def forward(self, stages: Sequence[Deformation], points: Tensor, normals: Tensor) -> LossRecord:
        """points, normals: (N, P, 3) on the true surfaces, in the meshes' units and order. Returns the sum and its weighted parts."""
        generator = torch.Generator().manual_seed(self.seed)
        parts = {name: points.new_zeros(()) for name in self.weights}
        for stage in stages:
            for name, value in self._of(stage, points, normals, generator).items():
                parts[name] = parts[name] + self.weights[name] * value
        return LossRecord(torch.stack(list(parts.values())).sum(), parts)

    def _of(self, stage: Deformation, points: Tensor, normals: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        mesh = stage.after
        density = curvature_density(mesh, self.curvature) if self.curvature else None
        drawn = sample_surfaces(mesh, self.samples, generator, density)
        return {
            "chamfer": chamfer_distance(drawn.cloud(), Cloud(points)).distance,
            "normal": normal_loss(mesh, points, normals),
            "laplacian": laplacian_change(stage.before, mesh),
            "edge": edge_loss(mesh),
        }


def curvature_density(batch: MeshBatch, weight: float) -> Tensor:
    """1 + weight · R |H| for each face, (F,), without gradient: H mean curvature at its corners, R = √(area / 4π), so that a sphere has
    1 + weight everywhere. |H| R counts up to 10, lest a spike draw all points.
    """
    with torch.no_grad():
        radius = (surface_areas(batch) / (4 * torch.pi)).sqrt()[batch.topology.vertex_mesh]
        relative = (mean_curvature(batch).abs() * radius).clamp(max=10)
        return 1 + weight * torch.nan_to_num(relative)[batch.faces].mean(dim=1)


def normal_loss(batch: MeshBatch, points: Tensor, normals: Tensor) -> Tensor:
    """Mean of ⟨e / ‖e‖, n_q⟩² over edges e at each vertex p, with n_q the true normal at the point q nearest to p, scalar in [0, 1]
    (Wang et al. 2018, eq. 2, with edges of unit length, as their program has them): edges lie in the tangent plane.

    points, normals: (N, P, 3), one cloud a mesh.
    """
    with torch.no_grad():
        padded = batch.padded_vertices()
        found = nearest_neighbours(padded, points, point_counts=batch.topology.vertex_counts).index[..., 0]
        nearest = torch.cat([n[rows[:count]] for n, rows, count in zip(normals, found, batch.topology.vertex_counts, strict=True)])
    first, second = batch.edges.unbind(1)
    along = unit(batch.vertices[second] - batch.vertices[first])
    both = torch.stack([(along * nearest[end]).sum(1).square() for end in (first, second)]).mean(0)
    return mean_over_meshes(both, batch.topology.edge_mesh, len(batch))


def laplacian_change(before: MeshBatch, after: MeshBatch) -> Tensor:
    """Mean over vertices of ‖δ'_p − δ_p‖², δ_p = p − mean of its neighbours (Wang et al. 2018, eq. 3), scalar: neighbours move together."""
    moved = after.vertices - before.vertices
    ones = torch.ones_like(moved[:, :1])
    degree = neighbour_sums(ones, after.edges).clamp(min=1)
    change = moved - neighbour_sums(moved, after.edges) / degree
    return mean_over_meshes(change.square().sum(1), after.topology.vertex_mesh, len(after))
