"""What shape autoencoders minimise: how far the surface is, and how much the code says.

−ELBO = E_q[−log p(x | z)] + KL(q(z | x) ‖ p(z))   (Kingma and Welling 2014, eq. 3), with free bits (Kingma et al. 2016, eq. 15).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from cellml.errors import CellmlError
from cellml.losses.record import LossRecord
from cellml.meshops.batch import mesh_batch
from cellml.meshops.point_mesh import point_face_loss


def free_bits(mean: Tensor, log_variance: Tensor, least: float) -> Tensor:
    """Σ_k max(λ, mean over the batch of KL_k), scalar in nats, KL_k = (μ² + σ² − log σ² − 1) / 2 of each latent against N(0, 1).

    mean, log_variance: (B, K); least: λ nats a latent that cost nothing, so that no latent is switched off before it learned something.
    """
    divergence = 0.5 * (mean**2 + log_variance.exp() - log_variance - 1)
    return torch.clamp(divergence.mean(dim=0), min=least).sum()


def surface_squares(predicted: Tensor, true: Tensor) -> Tensor:
    """Area-weighted mean squared distance of corresponding points, (B,) nm², from coefficients (B, 3, (L+1)²) of an orthonormal basis.

    ∫ ‖x̂ − x‖² dΩ / 4π = Σ (ĉ − c)² / 4π, by Parseval; dΩ / 4π is the share of the surface where the parameterisation keeps areas.
    """
    return (predicted - true).square().flatten(1).sum(dim=1) / (4 * torch.pi)


class SurfaceElbo(nn.Module):
    """The evidence bound of a shape autoencoder on harmonic coefficients, in nats a shape.

    beta: weight of the divergence; least: free bits, nats a latent; points: weight of the mean squared distance between the surfaces, with
    any correspondence, in the place of that of corresponding points, of 0 to 1 of the reconstruction; level: of the geodesic sphere whose
    images are compared. Raises CellmlError for weights that are none.
    """

    def __init__(self, beta: float = 1.0, least: float = 0.05, points: float = 0.0, level: int = 2) -> None:
        super().__init__()
        if beta < 0 or least < 0 or not 0 <= points <= 1:
            raise CellmlError(f"beta and least must be 0 or more, and points between 0 and 1; got {beta}, {least} and {points}.")
        self.beta, self.least, self.points, self.level = beta, least, points, level
        self._basis: dict[int, tuple[Tensor, Tensor]] = {}

    def forward(self, predicted: Tensor, true: Tensor, mean: Tensor, log_variance: Tensor, noise: Tensor) -> LossRecord:
        """predicted, true: (B, C, (L+1)²) nm; mean, log_variance: (B, K); noise: σ² of a coefficient in nm², scalar."""
        squares = surface_squares(predicted, true)
        far = squares if self.points == 0 else (1 - self.points) * squares + self.points * self._between(predicted, true)
        reconstruction = 4 * torch.pi * far.mean() / (2 * noise)
        divergence = free_bits(mean, log_variance, self.least)
        parts = {"reconstruction": reconstruction.detach(), "divergence": divergence.detach(), "rms_nm": squares.mean().sqrt().detach()}
        return LossRecord(reconstruction + self.beta * divergence, parts)

    def _between(self, predicted: Tensor, true: Tensor) -> Tensor:
        """Half of the mean squared distance points → faces and faces → points, scalar nm²."""
        basis, faces = self._sphere(predicted)
        vertices = predicted.transpose(1, 2).float()
        surfaces = mesh_batch([basis @ one for one in vertices], [faces] * len(vertices))
        clouds = [(basis @ one).detach() for one in true.transpose(1, 2).float()]
        return point_face_loss(surfaces, clouds) / 2

    def _sphere(self, like: Tensor) -> tuple[Tensor, Tensor]:
        functions = like.shape[2]
        if functions not in self._basis:
            from cellml.shapes.harmonics.basis import degree_of, real_harmonics
            from cellml.shapes.harmonics.geodesic import geodesic_sphere

            directions, faces = geodesic_sphere(self.level)
            values = real_harmonics(directions, degree_of(functions))
            self._basis = {functions: (torch.from_numpy(values).float(), torch.tensor(faces))}
        basis, triangles = self._basis[functions]
        return basis.to(like.device), triangles.to(like.device)


class DistanceElbo(nn.Module):
    """The evidence bound of a shape autoencoder on truncated distance grids: a Laplace likelihood of each voxel, nearer ones weighted.

    noise: scale b of the likelihood exp(−|d̂ − d| / b), voxels; near: weight exp(−|d| / near) of a voxel at the true distance d, so that the
    surface counts and not how far the far is; sides: weight of the cross-entropy of sign(d), inside or outside; beta, least: as in
    `SurfaceElbo`. In nats a shape. Raises CellmlError for numbers that are no scales.
    """

    def __init__(self, beta: float = 1.0, least: float = 0.1, noise: float = 0.25, near: float = 1.0, sides: float = 0.1) -> None:
        super().__init__()
        if beta < 0 or least < 0 or noise <= 0 or near <= 0 or sides < 0:
            raise CellmlError(f"noise and near must be positive, the rest 0 or more; got {[beta, least, noise, near, sides]}.")
        self.beta, self.least, self.noise, self.near, self.sides = beta, least, noise, near, sides

    def forward(self, predicted: Tensor, true: Tensor, mean: Tensor, log_variance: Tensor, noise: Tensor | None = None) -> LossRecord:
        """predicted, true: (B, 1, Z, Y, X) voxels, negative inside; mean, log_variance: (B, K); noise is the loss's own."""
        weight = torch.exp(-true.abs() / self.near)
        absolute = (predicted - true).abs() * weight
        sides = functional.binary_cross_entropy_with_logits(-predicted, (true < 0).to(predicted), weight, reduction="none")
        axes = _all_but_batch(true)
        reconstruction = (absolute.sum(axes) / self.noise + self.sides * sides.sum(axes)).mean()
        divergence = free_bits(mean, log_variance, self.least)
        near_error = (absolute.sum(axes) / weight.sum(axes)).mean()
        parts = {"reconstruction": reconstruction.detach(), "divergence": divergence.detach(), "voxels": near_error.detach()}
        return LossRecord(reconstruction + self.beta * divergence, parts)


def _all_but_batch(values: Tensor) -> tuple[int, ...]:
    return tuple(range(1, values.ndim))
