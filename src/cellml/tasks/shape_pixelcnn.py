"""An autoregressive model of shapes, voxel after voxel: the one generator here whose likelihood of a shape is exact."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from cellml.errors import CellmlError
from cellml.losses.record import LossRecord
from cellml.shapes.one_body import distance_of_voxels
from cellml.tasks.base import Schedule
from cellml.tasks.grid_shapes import GridShapeTask
from cellml.tasks.shape_target import ShapeTarget, batch_of

if TYPE_CHECKING:
    from cellml.data.shape_arrays import GridRepresentation
    from cellml.shapes.population import Population


class BitsPerVoxel(nn.Module):
    """−log₂ p(x) / voxels, the mean over shapes. logits, volumes: (B, 1, Z, Y, X)."""

    def forward(self, logits: Tensor, volumes: Tensor) -> LossRecord:
        """volumes: of 0 and 1."""
        return LossRecord(functional.binary_cross_entropy_with_logits(logits.float(), volumes.to(logits).float()) / math.log(2))


class ShapePixelCnnTask(GridShapeTask):
    """A `PixelCnn` of inside and outside, p(x, s | c) = p(s) Π_i p(x_i | x_1 … x_{i−1}, s, c), s the size, normal by its moments.

    A code is (x, s, c): every voxel, 1 inside and 0 outside in raster order; the standardised logarithm of the voxel's edge; the condition.
    So `encode` loses the voxels' roughness only, and `log_density` is exact: of the voxels, summed over all grids, it is a probability.
    `val/loss`: bits per voxel of the held-out shapes. smoothing: of the surface through the voxels, σ in voxels; the rest as in
    `GridShapeTask`.
    Raises CellmlError where the network is not conditioned on the size and the target's numbers.
    """

    net: Any

    def __init__(
        self,
        net: nn.Module,
        target: ShapeTarget,
        loss: nn.Module,
        optimizer: Callable[[Any], torch.optim.Optimizer],
        representation: GridRepresentation,
        schedule: Schedule | None = None,
        smoothing: float = 0.7,
        judged: int = 16,
    ) -> None:
        super().__init__(net, target, loss, optimizer, representation, schedule, judged)
        if self.net.conditions != 1 + target.size:
            raise CellmlError(
                f"The network is conditioned on {self.net.conditions} numbers, and these are the size and the {target.size} of "
                f"task.target; set task.net.conditions={1 + target.size}."
            )
        self.smoothing = smoothing

    @property
    def inner(self) -> int:
        """Numbers of a code before those of the condition: the voxels and the size."""
        return math.prod(self.net.shape) + 1

    def loss_of(self, batch: dict[str, Tensor]) -> LossRecord:
        """Bits per voxel of {"image": (B, 1, Z, Y, X), "unit": (B,), "label": (B,), "frame": (B, F)}."""
        given = torch.cat([self.sizes_of(batch["unit"])[:, None], self.target.vector(batch["label"], batch["frame"])], dim=1)
        volumes = (batch["image"] < 0).float()
        return self.loss(self.net(volumes, given), volumes)  # type: ignore[no-any-return]

    def on_validation_epoch_end(self) -> None:
        """Log the bits per voxel of the held-out shapes, and how far new shapes are from them."""
        if self._seen:
            batch = {name: torch.stack([one[name] for one in self._seen]) for name in self._seen[0]}
            self.log("val/loss", self.loss_of(batch).total, prog_bar=True)
        super().on_validation_epoch_end()

    @torch.no_grad()
    def drawn(self, conditions: Tensor, random: torch.Generator) -> Tensor:
        """New voxels and sizes (B, inner)."""
        sizes = torch.randn(len(conditions), 1, generator=random)
        draws = torch.rand(len(conditions), *self.net.shape, generator=random)
        given = torch.cat([sizes, conditions.cpu()], dim=1).to(self.device)
        volumes = self.net.sample(given, draws.to(self.device))
        return torch.cat([volumes.flatten(1).cpu(), sizes], dim=1)

    def grids(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (B, K) → distances (B, Z, Y, X) in voxels through voxels above one half, and sizes (B,). Nothing inside is all outside."""
        voxels = codes[:, : self.inner - 1].reshape(-1, *self.net.shape).cpu().numpy() > 0.5
        far = np.full(self.net.shape, self.representation.truncate)
        found = [distance_of_voxels(v, self.smoothing) if 0 < v.sum() < v.size else far for v in voxels]
        return torch.from_numpy(np.stack(found)).float(), codes[:, self.inner - 1]

    @torch.no_grad()
    def encode(self, population: Population) -> NDArray[np.float64]:
        """Codes (N, K): voxels, sizes and classes of the shapes."""
        batch = batch_of(population, self.representation, self.target)
        conditions = self.target.vector(batch["label"], batch["frame"])
        voxels = (batch["image"] < 0).flatten(1).to(conditions)
        codes = torch.cat([voxels, self.sizes_of(batch["unit"])[:, None], conditions], dim=1)
        return codes.double().cpu().numpy()  # type: ignore[no-any-return]

    @torch.no_grad()
    def log_density(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """The natural log P(x | s, c) + log p(s) + log P(c), (N,): a probability of voxels and class, a density of the standardised size.

        Voxels between 0 and 1, as on a path between two shapes, count as the nearer.
        """
        given = self.as_codes(codes)
        volumes = (given[:, : self.inner - 1].reshape(-1, 1, *self.net.shape) > 0.5).float()
        size, conditions = given[:, self.inner - 1], given[:, self.inner :]
        bits = [
            functional.binary_cross_entropy_with_logits(self.net(v, c), v, reduction="none").sum(dim=(1, 2, 3, 4))
            for v, c in zip(volumes.split(16), torch.cat([size[:, None], conditions], dim=1).split(16), strict=True)
        ]
        normal = -0.5 * size.square() - math.log(2 * math.pi) / 2
        return (normal + self.target.log_prob(conditions) - torch.cat(bits)).double().cpu().numpy()  # type: ignore[no-any-return]
