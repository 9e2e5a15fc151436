"""The loss of semantic segmentation: cross-entropy and Dice over classes, only where a label is known."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from cellml.losses.record import LossRecord


class SemanticLoss(nn.Module):
    """Cross-entropy plus soft Dice over K classes with softmax (Isensee et al. 2021).

    Averaged over samples, none of which has a say in another's sums, so that one process with a batch of two computes what two processes
    with one sample each do. class_weights: one weight a class for the cross-entropy, or none. Computed in float32 whatever the network's
    precision.
    """

    class_weights: Tensor | None

    def __init__(self, cross_entropy: float = 1.0, dice: float = 1.0, class_weights: Sequence[float] | None = None) -> None:
        super().__init__()
        self.cross_entropy, self.dice = cross_entropy, dice
        self.register_buffer("class_weights", None if class_weights is None else torch.tensor(list(class_weights)), persistent=False)

    def forward(self, logits: Tensor, target: Tensor, mask: Tensor) -> LossRecord:
        """logits, target: (B, K, Z, Y, X), target one-hot; mask: (B, 1 or K, Z, Y, X), 0 where nothing is known."""
        logits, target, known = logits.float(), target.float(), mask[:, :1].float()
        log_probabilities = functional.log_softmax(logits, dim=1)
        weights = target if self.class_weights is None else target * self.class_weights.view(1, -1, 1, 1, 1)
        weights = weights * known
        axes = (2, 3, 4)
        entropy = (-(weights * log_probabilities).sum((1, *axes)) / weights.sum((1, *axes)).clamp(min=1e-6)).mean()
        probabilities, truth = log_probabilities.exp() * known, target * known
        overlap, sizes = (probabilities * truth).sum(axes), probabilities.sum(axes) + truth.sum(axes)
        dice = (1 - (2 * overlap + 1) / (sizes + 1)).mean()
        return LossRecord(total=self.cross_entropy * entropy + self.dice * dice, parts={"cross_entropy": entropy, "dice": dice})
