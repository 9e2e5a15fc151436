"""Learning-rate schedules as pure functions of the step."""

from __future__ import annotations

import math


def warmup_cosine(step: int, total: int, warmup: int = 20, floor: float = 0.01) -> float:
    """Factor on the learning rate: linear over `warmup` steps, then half a cosine down to `floor` at `total` (Loshchilov and Hutter 2017,
    eq. 5).
    """
    if step < warmup:
        return (step + 1) / (warmup + 1)
    progress = min(1.0, (step - warmup) / max(1, total - warmup))
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))


def constant(step: int, total: int) -> float:
    """Factor 1 at every step."""
    return 1.0
