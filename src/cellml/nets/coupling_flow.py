"""Densities of codes: the standard normal, and a flow of coupling layers whose density is exact.

log p(z) = log N(f(z); 0, 1) + log |det ∂f/∂z|   (Dinh, Sohl-Dickstein and Bengio 2017, eq. 2)
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError


class StandardNormal(nn.Module):
    """N(0, 1) of K numbers, whatever the conditions."""

    def log_prob(self, codes: Tensor, conditions: Tensor) -> Tensor:
        """(B, K) → (B,) natural logarithm of the density."""
        return -0.5 * (codes.square() + math.log(2 * math.pi)).sum(dim=1)

    def sample(self, noise: Tensor, conditions: Tensor) -> Tensor:
        """Standard normal noise (B, K) → codes (B, K)."""
        return noise


class CouplingFlow(nn.Module):
    """Affine coupling layers between codes and standard normal noise, the identity at first.

    Each layer leaves one half of the numbers as they are and shifts and scales the other by what a network says of the first half and the
    conditions; halves alternate, in an order drawn from `seed`. size: K, 2 or more; layers; hidden: widths of the networks; conditions:
    numbers given; most: bound of a layer's log scale. Raises CellmlError for codes of one number.
    """

    permutations: Tensor
    middle: Tensor
    spread: Tensor

    def __init__(
        self, size: int, layers: int = 6, hidden: Sequence[int] = (64,), conditions: int = 0, most: float = 1.5, seed: int = 0
    ) -> None:
        super().__init__()
        if size < 2 or layers < 1:
            raise CellmlError(f"A coupling flow needs codes of 2 numbers or more and a layer; got {size} and {layers}.")
        self.size, self.given, self.most = size, conditions, most
        half = size // 2
        order = torch.Generator().manual_seed(seed)
        permutations = torch.stack([torch.randperm(size, generator=order) for _ in range(layers)])
        self.register_buffer("permutations", permutations)
        self.register_buffer("middle", torch.zeros(size))
        self.register_buffer("spread", torch.ones(size))
        self.networks = nn.ModuleList(_coupling(half + conditions, hidden, 2 * (size - half)) for _ in range(layers))

    @torch.no_grad()
    def standardise(self, codes: Tensor) -> None:
        """Take the mean and deviation of codes (N, K) as the flow's frame, so that its layers see numbers about 1."""
        self.middle.copy_(codes.mean(dim=0))
        self.spread.copy_(codes.std(dim=0).clamp(min=1e-4))

    def log_prob(self, codes: Tensor, conditions: Tensor) -> Tensor:
        """(B, K) → (B,) natural logarithm of the density."""
        noise, log_volume = self.noise(codes, conditions)
        return -0.5 * (noise.square() + math.log(2 * math.pi)).sum(dim=1) + log_volume

    def noise(self, codes: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (B, K) → the noise they are made of, (B, K), and log |det| of the map, (B,)."""
        now = (codes - self.middle) / self.spread
        log_volume = -self.spread.log().sum().expand(len(codes))
        for network, permutation in zip(self.networks, self.permutations, strict=True):
            kept, moved = self._halves(now[:, permutation])
            shift, log_scale = self._told(network, kept, conditions)
            now = torch.cat([kept, moved * log_scale.exp() + shift], dim=1)
            log_volume = log_volume + log_scale.sum(dim=1)
        return now, log_volume

    def sample(self, noise: Tensor, conditions: Tensor) -> Tensor:
        """Standard normal noise (B, K) → codes (B, K): the inverse of `noise`."""
        now = noise
        for network, permutation in zip(reversed(list(self.networks)), reversed(list(self.permutations)), strict=True):
            kept, moved = self._halves(now)
            shift, log_scale = self._told(network, kept, conditions)
            now = torch.cat([kept, (moved - shift) * (-log_scale).exp()], dim=1)[:, torch.argsort(permutation)]
        return now * self.spread + self.middle

    def _halves(self, values: Tensor) -> tuple[Tensor, Tensor]:
        return values[:, : self.size // 2], values[:, self.size // 2 :]

    def _told(self, network: nn.Module, kept: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:
        shift, log_scale = network(torch.cat([kept, conditions], dim=1)).chunk(2, dim=1)
        return shift, self.most * torch.tanh(log_scale / self.most)


def _coupling(before: int, hidden: Sequence[int], after: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [nn.Linear(before, width), nn.SiLU()]
        before = width
    last = nn.Linear(before, after)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)
