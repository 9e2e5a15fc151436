"""A convolutional autoencoder of distance grids, for shapes of any genus, from MONAI's blocks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError


class SdfVae(nn.Module):
    """Truncated distances (B, 1, Z, Y, X) in voxels ↔ codes (B, K).

    The encoder halves the grid once for each of `widths` (MONAI `ResidualUnit`), the decoder doubles it again by interpolation and
    convolution, which leaves no chequerboard. shape: voxels (z, y, x), multiples of 2^len(widths); latent: K; truncate: voxels at which
    distances end, which the output cannot pass; conditions: numbers that shapes are conditioned on. Raises CellmlError for a grid that
    cannot be halved so often.
    """

    in_channels = 1
    sized = True

    def __init__(
        self,
        shape: Sequence[int] = (32, 32, 32),
        latent: int = 16,
        widths: Sequence[int] = (16, 32, 64),
        truncate: float = 4.0,
        conditions: int = 0,
    ) -> None:
        super().__init__()
        from monai.networks.blocks import Convolution, ResidualUnit

        fold = 2 ** len(widths)
        if latent < 1 or not widths or any(int(n) % fold for n in shape):
            raise CellmlError(f"A grid of {list(shape)} voxels cannot be halved {len(widths)} times; use multiples of {fold}.")
        self.shape, self.latent, self.truncate, self.conditions = tuple(int(n) for n in shape), latent, truncate, conditions
        self.coarse = [n // fold for n in self.shape]
        inside = widths[-1] * int(torch.tensor(self.coarse).prod())
        before = [1, *widths[:-1]]
        units = [
            ResidualUnit(3, a, b, strides=2, subunits=1, norm=("GROUP", {"num_groups": 4}), act="SWISH")
            for a, b in zip(before, widths, strict=True)
        ]
        self.encoder = nn.Sequential(*units, nn.Flatten())
        self.posterior_of = nn.Linear(inside + conditions, 2 * latent)
        self.expand = nn.Linear(latent + conditions, inside)
        stages: list[nn.Module] = []
        for a, b in zip(widths[::-1], [*widths[-2::-1], widths[0]], strict=True):
            stages += [
                nn.Upsample(scale_factor=2, mode="trilinear", align_corners=False),
                Convolution(3, a, b, norm=("GROUP", {"num_groups": 4}), act="SWISH"),
            ]
        self.decoder = nn.Sequential(*stages, Convolution(3, widths[0], 1, conv_only=True))

    def start(self, values: Tensor, conditions: Tensor | None = None) -> None:
        """Check that the shapes (N, 1, Z, Y, X) are of the network's grid. Raises CellmlError where they are not."""
        if tuple(values.shape[2:]) != self.shape:
            raise CellmlError(f"The shapes lie on grids of {list(values.shape[2:])} voxels and the network's is {list(self.shape)}.")

    def posterior(self, values: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the code, (B, K) each."""
        seen = torch.cat([self.encoder(values / self.truncate), conditions], dim=1)
        mean, spread = self.posterior_of(seen).chunk(2, dim=1)
        return mean, spread.clamp(-10, 4)

    def decode(self, codes: Tensor, conditions: Tensor) -> Tensor:
        """(B, K) → distances (B, 1, Z, Y, X) in voxels, within ± truncate."""
        coarse = self.expand(torch.cat([codes, conditions], dim=1)).reshape(len(codes), -1, *self.coarse)
        return self.truncate * torch.tanh(self.decoder(coarse) / self.truncate)
