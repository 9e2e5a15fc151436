"""Rows of a convergence study, and the order that they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Row:
    """One mesh, or one length of time steps, of a study.

    size: what is halved, a length of edges in µm or of steps in s; error: relative; tets, unknowns, steps: of the run; seconds: of the
    processor.
    """

    size: float
    error: float
    tets: int
    unknowns: int
    steps: int
    seconds: float


def order(rows: Sequence[Row], *, last: int | None = None) -> float:
    """Slope of log error against log size, least squares over all rows or the last few."""
    chosen = rows[-last:] if last else rows
    sizes, errors = np.log([row.size for row in chosen]), np.log([row.error for row in chosen])
    return float(np.polyfit(sizes, errors, 1)[0])
