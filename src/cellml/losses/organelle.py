"""The loss of networks that map organelles by foreground, boundary and distance."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from cellml.losses.record import LossRecord


class OrganelleLoss(nn.Module):
    """Cross-entropy and soft Dice for foreground and boundary, squared error for the distance (Wei et al. 2020, arXiv:2003.03477).

    L = foreground · (BCE + Dice)(p₀) + boundary · (wBCE + Dice)(p₁) + distance · mean (tanh x − tanh d)², where the third answer and its
    target are read as (1 + tanh) / 2. Boundary voxels weigh up to `max_weight` times as much as others, so that both kinds carry the
    same weight. No sum mixes samples; computed in float32 whatever the network's precision.
    """

    def __init__(self, foreground: float = 1.0, boundary: float = 1.0, distance: float = 1.0, max_weight: float = 10.0) -> None:
        super().__init__()
        self.foreground, self.boundary, self.distance, self.max_weight = foreground, boundary, distance, max_weight

    def forward(self, logits: Tensor, target: Tensor, mask: Tensor) -> LossRecord:
        """logits, target, mask: (B, 3, Z, Y, X), channels foreground, boundary, distance; mask 0 where nothing is known."""
        logits, target, mask = logits.float(), target.float(), mask.float()
        even = torch.ones_like(target[:, 0])
        foreground = binary_parts(logits[:, 0], target[:, 0], mask[:, 0], even)
        boundary = binary_parts(logits[:, 1], target[:, 1], mask[:, 1], self._balance(target[:, 1], mask[:, 1]))
        squared = (2.0 * (torch.sigmoid(logits[:, 2]) - target[:, 2])).square() * mask[:, 2]
        distance = (_sum(squared) / _sum(mask[:, 2]).clamp(min=1)).mean()
        parts = {"foreground": foreground, "boundary": boundary, "distance": distance}
        return LossRecord(total=sum(getattr(self, name) * value for name, value in parts.items()), parts=parts)  # type: ignore[arg-type]

    def _balance(self, target: Tensor, mask: Tensor) -> Tensor:
        share = (_sum(target * mask) / _sum(mask).clamp(min=1))[:, None, None, None]
        return torch.where(target > 0.5, (1 - share) / share.clamp(min=1e-6), torch.ones_like(target)).clamp(max=self.max_weight)


def binary_parts(logits: Tensor, target: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
    """Weighted cross-entropy plus soft Dice of one yes-or-no channel (B, Z, Y, X), averaged over samples (Milletari et al. 2016, eq. 3)."""
    weight = weight * mask
    entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    cross_entropy = _sum(entropy * weight) / _sum(weight).clamp(min=1)
    probability, truth = torch.sigmoid(logits) * mask, target * mask
    dice = 1 - (2 * _sum(probability * truth) + 1) / (_sum(probability) + _sum(truth) + 1)
    return (cross_entropy + dice).mean()


def _sum(values: Tensor) -> Tensor:
    """(B,): sum over the voxels of each sample."""
    return values.sum((1, 2, 3))
