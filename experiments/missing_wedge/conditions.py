"""What is projected, and how: the rows of the benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

SHIFT_PIXELS, ROTATION_DEGREES = 1.0, 0.3  # greatest error that is left after a good alignment, drawn evenly


@dataclass(frozen=True)
class Condition:
    """specimen: of `specimens`; half_range: degrees of the largest tilt; step: degrees; snr: of the projections, inf without noise;
    misaligned: whether each projection is shifted and turned a little; seed: of noise and misalignment.
    """

    specimen: str
    half_range: int = 60
    step: int = 2
    snr: float = np.inf
    misaligned: bool = False
    seed: int = 0

    @property
    def tilts(self) -> NDArray[np.float64]:
        """(N,) degrees, both ends of the range among them where the step allows it (±69° for ±70° in steps of 3°); −90° to below 90° for
        ±90°, which measures everything once.
        """
        if self.half_range == 90:
            return np.arange(-90, 90 - 1e-9, self.step, dtype=float)
        most = self.half_range if 2 * self.half_range % self.step == 0 else self.half_range // self.step * self.step
        return np.arange(-most, most + 1e-9, self.step, dtype=float)

    @property
    def key(self) -> tuple[str, ...]:
        """As the columns of rows.csv have it."""
        return (self.specimen, str(self.half_range), str(self.step), f"{self.snr:g}", str(int(self.misaligned)))


KEY = ("specimen", "half_range", "step", "snr", "misaligned")


def conditions(specimens: tuple[str, ...] = ("phantom", "fib25")) -> list[Condition]:
    """All of them, those that the targets speak of first."""
    first = [Condition(s, snr=snr) for s in specimens for snr in (np.inf, 10.0, 1.0)]
    grid = product((60, 70, 45), (2, 3), (10.0, 1.0, np.inf, 0.1), (False, True), specimens)
    rest = [Condition(s, half, step, snr, moved) for half, step, snr, moved, s in grid]
    # Of the misaligned ones those at SNR 10 and infinity suffice: at 1 and below noise is what limits.
    kept = [c for c in rest if c not in first and not (c.misaligned and c.snr < 10)]
    return first + sorted(kept, key=lambda c: (c.half_range != 60) + (c.step != 2) + c.misaligned)
