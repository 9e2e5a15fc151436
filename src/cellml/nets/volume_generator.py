"""A 3D generator of shapes: from a code to a grid of distances, by transposed convolutions that double it again and again.

Radford et al. 2016 (arXiv:1511.06434), with volumes for images as in Wu et al. 2016 (3D-GAN, arXiv:1610.07584).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError

_DIMENSIONS = 3
_ALMOST = 0.99  # atanh(1) is infinite


class VolumeGenerator(nn.Module):
    """Codes (B, K) → (B, 2, Z, Y, X): distances over their cut-off, within ± 1 and negative inside; and the size, the same everywhere.

    latent: K; shape: voxels (z, y, x), multiples of 2^len(widths); widths: features from the coarsest grid to the finest, each of which
    the next doubling starts from; normalised: batch normalisation after each doubling, as in the paper. The size is a number of the shape
    as a whole (the standardised logarithm of its voxel's edge), which a critic must see beside the grid, for shapes fill their grids.
    A template that is learned too is added before the grid's tanh and starts (`start`) at the mean of the training shapes: where a shape
    lies need not be learned. Raises CellmlError for a grid that cannot be halved so often.
    """

    def __init__(
        self, latent: int = 16, shape: Sequence[int] = (32, 32, 32), widths: Sequence[int] = (64, 32, 16), normalised: bool = True
    ) -> None:
        super().__init__()
        fold = 2 ** len(widths)
        if latent < 1 or not widths or len(shape) != _DIMENSIONS or any(int(n) % fold or int(n) < fold for n in shape):
            raise CellmlError(f"A grid of {list(shape)} voxels cannot be doubled into {len(widths)} times; use multiples of {fold}.")
        self.latent, self.shape = latent, tuple(int(n) for n in shape)
        self.coarse = tuple(n // fold for n in self.shape)
        self.expand = nn.Linear(latent, widths[0] * self.coarse[0] * self.coarse[1] * self.coarse[2])
        layers: list[nn.Module] = [nn.BatchNorm3d(widths[0]) if normalised else nn.Identity(), nn.ReLU()]
        for wide, narrow in zip(widths, [*widths[1:], max(4, widths[-1] // 2)], strict=True):
            layers += [nn.ConvTranspose3d(wide, narrow, 4, stride=2, padding=1)]
            layers += [nn.BatchNorm3d(narrow) if normalised else nn.Identity(), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv3d(narrow, 1, 3, padding=1))
        self.template = nn.Parameter(torch.zeros(1, 1, *self.shape))
        self.size = nn.Sequential(nn.Linear(latent, 32), nn.ReLU(), nn.Linear(32, 1))

    @torch.no_grad()
    def start(self, grids: Tensor) -> None:
        """Begin at the mean of grids (N, 1, Z, Y, X), distances over their cut-off."""
        self.template.copy_(torch.atanh(grids.mean(dim=0, keepdim=True).clamp(-_ALMOST, _ALMOST)))

    def forward(self, codes: Tensor) -> Tensor:
        """codes: (B, K)."""
        coarse = self.expand(codes).reshape(len(codes), -1, *self.coarse)
        return beside(torch.tanh(self.layers(coarse) + self.template), self.size(codes))


def beside(grids: Tensor, numbers: Tensor) -> Tensor:
    """Grids (B, C, Z, Y, X) with numbers (B, N) as N further channels that are constant: what a critic of both is shown."""
    constant = numbers.to(grids)[:, :, None, None, None].expand(-1, -1, *grids.shape[2:])
    return torch.cat([grids, constant], dim=1)
