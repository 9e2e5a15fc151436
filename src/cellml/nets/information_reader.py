"""Reads from a shape which codes made it: the network Q of InfoGAN (Chen et al. 2016, arXiv:1606.03657)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError


class InformationReader(nn.Module):
    """A critic's features (B, width) → logits of the category (B, categories) and means of the continuous codes (B, continuous).

    Features are the critic's, as in the paper's section 7.1; this adds a hidden layer of `hidden` units. Raises CellmlError where there is
    nothing to read: fewer than two categories and no continuous codes.
    """

    def __init__(self, width: int, categories: int = 3, continuous: int = 2, hidden: int = 64) -> None:
        super().__init__()
        if categories < 0 or categories == 1 or continuous < 0 or categories + continuous == 0:
            raise CellmlError(
                f"InfoGAN's codes are two categories or more, or none, and continuous numbers; got {categories} categories and "
                f"{continuous} continuous codes."
            )
        self.categories, self.continuous = categories, continuous
        self.layers = nn.Sequential(nn.Linear(width, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, categories + continuous))

    @property
    def size(self) -> int:
        """Numbers of a code: one for each category (1 for the shape's own), then the continuous ones."""
        return self.categories + self.continuous

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """features: (B, width)."""
        category, means = self.layers(features).split([self.categories, self.continuous], dim=1)
        return category, means

    def drawn(self, count: int, random: torch.Generator | None = None) -> Tensor:
        """Codes (count, size) of the prior: categories alike, continuous ones uniform between −1 and 1."""
        one_hot = torch.zeros(count, self.categories)
        if self.categories:
            one_hot[torch.arange(count), torch.randint(self.categories, (count,), generator=random)] = 1.0
        return torch.cat([one_hot, 2 * torch.rand(count, self.continuous, generator=random) - 1], dim=1)
