"""Intervals that hold as often as they say, whatever the network believes of itself: conformal prediction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float64]


def conformal_factor(residuals: Floats, spread: Floats, level: float) -> Floats:
    """By how much standard deviations must be multiplied so that mean ± factor · s.d. holds a new value with probability `level`, (T,).

    residuals, spread: (N, T) of rows that the network had not seen; the factor is the ⌈(N + 1) level⌉-th smallest of |residual| / spread
    (normalised residuals: Papadopoulos, Gammerman & Vovk 2008; Lei et al. 2018). The promise holds where new rows are exchangeable with
    these, such as shapes of new image stacks where whole stacks were left out. Raises CellmlError where N is too small for the level.
    """
    if not 0 < level < 1:
        raise CellmlError(f"level={level} must lie between 0 and 1.")
    count = len(residuals)
    rank = int(np.ceil((count + 1) * level))
    if rank > count:
        raise CellmlError(
            f"Intervals of {100 * level:g} % need {int(np.ceil(level / (1 - level)))} left-out shapes or more, and there are {count}; "
            "add shapes, or ask for a lower level."
        )
    scores = np.sort(np.abs(residuals) / np.maximum(spread, 1e-30), axis=0)
    return np.asarray(scores[rank - 1])


def coverage(truth: Floats, mean: Floats, half_width: Floats) -> Floats:
    """Share of values within mean ± half_width, (T,). All (N, T)."""
    return np.asarray((np.abs(truth - mean) <= half_width).mean(axis=0))
