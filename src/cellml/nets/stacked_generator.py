"""A generator of two stages: a coarse shape from the code, then a fine one from the coarse shape and the code.

StackGAN (Zhang et al. 2017, arXiv:1612.03242), whose first stage draws the rough shape and whose second corrects and refines it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from cellml.nets.volume_generator import VolumeGenerator, beside

_ALMOST = 0.999  # atanh(1) is infinite


class StackedGenerator(nn.Module):
    """Codes (B, K) → (B, 2, Z, Y, X) as `VolumeGenerator`, by way of a grid half as fine along each axis.

    latent, shape, widths, normalised: as there, widths being those of the first stage, whose grid is shape / 2; width: features of the
    second stage. The second stage adds to the doubled grid of the first and starts at adding nothing.
    """

    def __init__(
        self,
        latent: int = 16,
        shape: Sequence[int] = (32, 32, 32),
        widths: Sequence[int] = (64, 32),
        width: int = 16,
        normalised: bool = True,
    ) -> None:
        super().__init__()
        self.latent, self.shape = latent, tuple(int(n) for n in shape)
        self.first = VolumeGenerator(latent, [n // 2 for n in self.shape], widths, normalised)
        self.told = nn.Linear(latent, width)
        self.look = nn.Conv3d(2, width, 3, padding=1)
        self.inner = nn.Sequential(*_unit(width, width, normalised), *_unit(width, width, normalised))
        self.finer = nn.Sequential(nn.ConvTranspose3d(width, width // 2, 4, stride=2, padding=1), nn.ReLU())
        self.change = nn.Conv3d(width // 2, 1, 3, padding=1)
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(self.change.bias)  # type: ignore[arg-type]  # it has one

    def start(self, grids: Tensor) -> None:
        """Begin at the mean of grids (N, 1, Z, Y, X), distances over their cut-off; it is the first stage that draws it."""
        self.first.start(functional.avg_pool3d(grids, 2))

    def coarse(self, codes: Tensor) -> Tensor:
        """First stage: (B, K) → (B, 2, Z / 2, Y / 2, X / 2)."""
        return self.first(codes)  # type: ignore[no-any-return]

    def fine(self, coarse: Tensor, codes: Tensor) -> Tensor:
        """Second stage: what the first drew and the codes → (B, 2, Z, Y, X)."""
        seen = functional.relu(self.look(coarse) + self.told(codes)[:, :, None, None, None])
        change = self.change(self.finer(seen + self.inner(seen)))
        doubled = functional.interpolate(coarse[:, :1].float(), scale_factor=2, mode="trilinear", align_corners=False)
        grid = torch.tanh(torch.atanh(doubled.clamp(-_ALMOST, _ALMOST)) + change)
        return beside(grid, coarse[:, 1:].mean(dim=(2, 3, 4)))

    def forward(self, codes: Tensor) -> Tensor:
        """codes: (B, K); both stages."""
        return self.fine(self.coarse(codes), codes)


def _unit(before: int, after: int, normalised: bool) -> list[nn.Module]:
    return [nn.Conv3d(before, after, 3, padding=1), nn.BatchNorm3d(after) if normalised else nn.Identity(), nn.ReLU()]
