"""One network on each half of a tomogram, and the mean of its answers."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn


class MeanOverHalves(nn.Module):
    """(B, H, Z, Y, X) reconstructions of one specimen → (B, 1, Z, Y, X): mean over them of x + net(x).

    net: (B, 1, Z, Y, X) → (B, 1, Z, Y, X), what is to be added to an image. H is 2 for the halves of a tilt series, whose noise is
    independent, and 1 for a single tomogram or in training. `halo` and `multiple` are the network's own.
    """

    out_channels = 1

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.multiple = getattr(net, "multiple", (1, 1, 1))
        self.halo = getattr(net, "halo", (32, 32, 32))

    def forward(self, halves: Tensor) -> Tensor:
        """halves: (B, H, Z, Y, X) → (B, 1, Z, Y, X)."""
        answers = [half + cast(Tensor, self.net(half)) for half in halves.split(1, dim=1)]
        return torch.stack(answers).mean(dim=0)
