"""The running average of a network's weights, which steps of adversarial training shake less than the weights themselves."""

from __future__ import annotations

import copy

import torch
from torch import nn


class WeightAverage(nn.Module):
    """An exponential moving average of a network (Yazıcı et al. 2019, arXiv:1806.04498).

    net: what is averaged, whose copy `net` of this module is; decay: share of the old average kept at each update, less in the first
    updates, (1 + n) / (10 + n), so that the random start is forgotten. Buffers are copied, not averaged.
    """

    updates: torch.Tensor

    def __init__(self, net: nn.Module, decay: float = 0.999) -> None:
        super().__init__()
        self.net, self.decay = copy.deepcopy(net).requires_grad_(False).eval(), decay
        self.register_buffer("updates", torch.tensor(0))

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Move the average towards the network."""
        count = int(self.updates)
        keep = min(self.decay, (1 + count) / (10 + count))
        for mean, now in zip(self.net.parameters(), net.parameters(), strict=True):
            mean.lerp_(now, 1 - keep)
        for kept, given in zip(self.net.buffers(), net.buffers(), strict=True):
            kept.copy_(given)
        self.updates += 1

    def train(self, mode: bool = True) -> WeightAverage:
        """An average is never in training mode."""
        super().train(mode)
        self.net.eval()
        return self
