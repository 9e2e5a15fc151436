"""The loss of networks that answer at several depths (Lee et al. 2015; Chen et al. 2018, eq. 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from cellml.losses.record import LossRecord


def supervised_loss(
    loss: Any, answer: Tensor | Sequence[Tensor], target: Tensor, mask: Tensor, weights: Sequence[float] | None = None
) -> Any:
    """The loss of one answer, or the weighted mean over several: the main one first, then those of shallower depths.

    answer: logits (B, K, Z, Y, X), several of them in a list, or stacked along axis 1 as MONAI's networks do, (B, N, K, Z, Y, X), all of
    the target's size; weights: one for each, default 1, 1/2, 1/4 … (Isensee et al. 2021). Parts are those of the main answer, and
    `auxiliary`, the weighted mean of the others.
    """
    answers = list(answer.unbind(1)) if isinstance(answer, Tensor) and answer.ndim == 6 else answer
    if isinstance(answers, Tensor):
        return loss(answers, target, mask)  # type: ignore[no-any-return]
    weights = [0.5**depth for depth in range(len(answers))] if weights is None else list(weights)
    main, *others = (loss(one, target, mask) for one in answers)
    rest = sum(weight * other.total for weight, other in zip(weights[1:], others, strict=True))
    total = (weights[0] * main.total + rest) / sum(weights)
    return LossRecord(total=total, parts={**main.parts, "auxiliary": rest / sum(weights[1:])})
