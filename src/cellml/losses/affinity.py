"""The loss of networks that answer a yes-or-no question for every voxel or pair of voxels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from cellml.losses.record import LossRecord


class BalancedBinaryLoss(nn.Module):
    """Class-balanced binary cross-entropy plus soft Dice, over the voxels of a mask.

    L = bce · Σ w_y BCE(p, y) / Σ w_y + dice · (1 − (2 Σ (1−p)(1−y) + 1) / (Σ (1−p) + Σ (1−y) + 1)), averaged over samples and channels,
    with w_y such that both classes carry the same weight in every channel of a sample, bounded by `max_weight`. No sum mixes samples, so
    that one process with a batch of two computes what two processes with one sample each do. Dice is taken over the negatives
    (boundaries), the rare class of affinities (Milletari et al. 2016, eq. 3). Computed in float32 whatever the network's precision.
    """

    def __init__(self, bce: float = 1.0, dice: float = 1.0, max_weight: float = 10.0) -> None:
        super().__init__()
        self.bce, self.dice, self.max_weight = bce, dice, max_weight

    def forward(self, logits: Tensor, target: Tensor, mask: Tensor) -> LossRecord:
        """logits, target, mask: (B, K, Z, Y, X); target in {0, 1}; mask 0 where nothing is known. Returns scalars, zero for an empty
        mask.
        """
        logits, target, mask = logits.float(), target.float(), mask.float()
        axes = (2, 3, 4)
        positive, total = (target * mask).sum(axes), mask.sum(axes)
        share = (positive / total.clamp(min=1))[:, :, None, None, None]
        weight = torch.where(target > 0.5, 0.5 / share.clamp(min=1e-6), 0.5 / (1 - share).clamp(min=1e-6)).clamp(max=self.max_weight) * mask
        entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        cross_entropy = ((entropy * weight).sum(axes) / weight.sum(axes).clamp(min=1)).mean()
        boundary, no_pair = torch.sigmoid(-logits) * mask, (1 - target) * mask
        overlap, sizes = (boundary * no_pair).sum(axes), boundary.sum(axes) + no_pair.sum(axes)
        dice = (1 - (2 * overlap + 1) / (sizes + 1)).mean()
        return LossRecord(total=self.bce * cross_entropy + self.dice * dice, parts={"cross_entropy": cross_entropy, "dice": dice})
