"""The losses of the certified mesh head: signs, distances, surfaces and displacement."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from cellml.errors import CellmlError
from cellml.losses.record import LossRecord
from cellml.meshhead.cut import CutGrid
from cellml.meshhead.head import membranes_of
from cellml.meshops.point_mesh import distance_to_points, distance_to_simplices

_OWN, _ANY = 0.5, 0.3  # shares of the weight near the compartment's own surface, and near any
_TINY = 1e-8  # square cubes: the root has a gradient at zero


def distinct_rows(rows: Tensor) -> Tensor:
    """The different rows of (N, 3) numbers from 0, as `torch.unique(rows, dim=0)`, which takes thirty times as long."""
    base = int(rows.max()) + 1 if len(rows) else 1
    pairs, which = torch.unique(rows[:, 0] * base + rows[:, 1], return_inverse=True)  # numbers of three digits would overflow
    keys = torch.unique(which * base + rows[:, 2])
    return torch.stack([pairs[keys // base] // base, pairs[keys // base] % base, keys % base], dim=1)


class CertifiedMeshLoss(nn.Module):
    """w_s · cross-entropy of signs + w_d · |distances| + w_c · distance of surfaces + w_v · squared velocity, lengths in cubes of the grid.

    signs, distances, surface, displacement: the weights; sharpness: of the sign's probability σ(−sharpness · d); clip: distance beyond
    which only the sign counts.
    """

    def __init__(
        self,
        signs: float = 0.3,
        distances: float = 1.0,
        surface: float = 0.3,
        displacement: float = 0.01,
        sharpness: float = 4.0,
        clip: float = 3.0,
    ) -> None:
        super().__init__()
        if min(signs, distances, surface, displacement) < 0 or sharpness <= 0 or clip <= 0:
            raise CellmlError("Weights of CertifiedMeshLoss must be at least 0; sharpness and clip must be positive.")
        self.weights = {"signs": signs, "distances": distances, "surface": surface, "displacement": displacement}
        self.sharpness, self.clip = sharpness, clip

    def of_distances(self, predicted: Tensor, truth: Tensor) -> dict[str, Tensor]:
        """Weighted losses of distances (K, P) in cubes at the voxels.

        Every compartment has the same say, however small it is: of its weight a half goes to points near its surface, as exp(−|truth|), 0.3
        to points near any surface, where compartments of like look are mistaken for one another, and 0.2 evenly to all, because a far point
        of the wrong sign is a piece that is not there. Beyond the clip a distance that is too large costs nothing, and a wrong one never
        loses its gradient.
        """
        own, any_ = torch.softmax(-truth.abs(), dim=1), torch.softmax(-truth.abs().amin(0), dim=0)
        weight = (_OWN * own + _ANY * any_ + (1 - _OWN - _ANY) / truth.shape[1]) / len(truth)
        inside = (truth < 0).to(predicted.dtype)
        signs = functional.binary_cross_entropy_with_logits(-self.sharpness * predicted, inside, reduction="none")
        apart = (predicted - truth).abs()
        apart = torch.where(truth >= self.clip, functional.relu(self.clip - predicted), apart)
        apart = torch.where(truth <= -self.clip, functional.relu(predicted + self.clip), apart)
        return {"signs": self.weights["signs"] * (weight * signs).sum(), "distances": self.weights["distances"] * (weight * apart).sum()}

    def of_surface(self, made: CutGrid, points: Tensor, size_nm: float) -> Tensor:
        """Weighted distance in cubes between the membranes of a cut grid and true points (P, 3) in nm; 0 where either has none.

        mean_p d(p, nearest triangle) + mean, by area, over triangles of d(triangle, nearest p). Between points drawn on both surfaces, as
        in a Chamfer distance, 0.6 cubes are left for the truth itself; here it is 0.24 (3000 points on a cell 16 cubes wide). Points that
        are NaN, as those of an absent compartment are, are left out.
        """
        faces, points = distinct_rows(membranes_of(made).sort(dim=1).values), points[torch.isfinite(points).all(1)]
        if not len(faces) or not len(points):
            return points.new_zeros(())
        corners, truth = made.points[faces] / size_nm, points.double() / size_nm
        area = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0], dim=1).detach().norm(dim=1)
        there = (distance_to_simplices(truth, corners) + _TINY).sqrt().mean()
        back = ((distance_to_points(corners, truth) + _TINY).sqrt() * area / area.sum()).sum()
        return self.weights["surface"] * (there + back).float()

    def of_velocity(self, velocity: Tensor) -> Tensor:
        """Weighted mean square of what tanh makes of the velocity map (3, Z, Y, X)."""
        return self.weights["displacement"] * torch.tanh(velocity).square().mean()

    def forward(self, parts: dict[str, Tensor]) -> LossRecord:
        """The sum of weighted parts, with the parts."""
        return LossRecord(torch.stack(list(parts.values())).sum(), parts)
