"""Over which length the members of a committee err together: the correlation length of their residuals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

_UNSURE = 4.0  # logits beyond ±4 (probability 0.982) are decided: their differences say how steep the network is, not how unsure
_LAGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
_CROP, _CHANNELS = 64, 3  # the middle of each tile and its first channels tell enough; all of them would cost as much as the network
_SMALLEST = 0.3  # correlations below it are mostly noise and the next feature of the image


@dataclass
class ResidualCorrelation:
    """Sums of z(v)·z(v + h) along each axis, where z = logit of a member − logit of the first, over voxels where both ends are unsure.

    The difference of two members that err independently of each other has the autocorrelation of one member's error. Sums of tiles add up.
    products, squares: {(axis, lag in voxels): sum}.
    """

    products: dict[tuple[int, int], float] = field(default_factory=dict)
    squares: dict[tuple[int, int], float] = field(default_factory=dict)

    def add(self, difference: Tensor, logits: Tensor) -> None:
        """difference: logits of a member minus those of the first; logits: of the first, both (1, K, z, y, x)."""
        logits = _middle(logits)
        unsure = (logits.abs() < _UNSURE).to(difference.dtype)
        z = _middle(difference) * unsure
        for axis in range(3):
            for lag in _LAGS:
                size = z.shape[2 + axis] - lag
                if size < 1:
                    break
                a, b = z.narrow(2 + axis, 0, size), z.narrow(2 + axis, lag, size)
                both = unsure.narrow(2 + axis, 0, size) * unsure.narrow(2 + axis, lag, size)
                product, square = float((a * b).sum()), 0.5 * float(((a * a + b * b) * both).sum())
                self.products[axis, lag] = self.products.get((axis, lag), 0.0) + product
                self.squares[axis, lag] = self.squares.get((axis, lag), 0.0) + square

    def __add__(self, other: ResidualCorrelation) -> ResidualCorrelation:
        """The sums of both."""
        return ResidualCorrelation(*(_added(getattr(self, name), getattr(other, name)) for name in ("products", "squares")))

    def correlations(self) -> dict[tuple[int, int], float]:
        """C(axis, lag), 1 for errors that are the same at both ends and 0 for independent ones."""
        return {key: self.products[key] / square for key, square in self.squares.items() if square > 0}

    def length_nm(self, spacing: Sequence[float]) -> float | None:
        """The length l of C(h) = exp(−h²/(2 l²)), fitted over all axes by −ln C = h²/(2 l²), weights C²; None without
        differing members.

        Half the smallest voxel where errors of neighbouring voxels are already independent.
        """
        points = [(lag * spacing[axis], c) for (axis, lag), c in self.correlations().items()]
        if not points:
            return None
        kept = np.array([(h, min(c, 0.999)) for h, c in points if c > _SMALLEST])
        if not len(kept):
            return 0.5 * min(spacing)
        h, c = kept.T
        slope = float((c**2 * h**2 * -np.log(c)).sum() / (c**2 * h**4).sum())
        return float(1 / np.sqrt(2 * slope))


def _middle(values: Tensor) -> Tensor:
    parts = [slice(max(0, (n - _CROP) // 2), max(0, (n - _CROP) // 2) + _CROP) for n in values.shape[2:]]
    return values[(slice(None), slice(_CHANNELS), *parts)]


def _added(a: dict[tuple[int, int], float], b: dict[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    return {key: a.get(key, 0.0) + b.get(key, 0.0) for key in a.keys() | b.keys()}
