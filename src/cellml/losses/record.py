"""What a loss returns: the number to minimise, and the parts that logging reads."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class LossRecord:
    """total: scalar tensor with gradient; parts: scalar tensors by name, logged as `train/<name>`."""

    total: Tensor
    parts: dict[str, Tensor] = field(default_factory=dict)
