"""Which tetrahedra to refine."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cellml.sim.adaptive.edges import Floats, Index
from cellml.sim.errors import SimulationError

# Squared indicators (T,) to the numbers of the elements to refine.
Marking = Callable[[Floats], Index]


def doerfler(squared: Floats, theta: float = 0.5) -> Index:
    """The smallest set M with Σ_M η_T² ≥ θ Σ η_T², largest indicators first (bulk marking; Dörfler, SIAM J. Numer. Anal. 33, 1996).

    squared: (T,) η_T² ≥ 0; theta: share of the squared estimator, in (0, 1] (Dörfler's own parameter is its root). Returns numbers; none
    where all indicators are zero. Sorting takes T log T. Raises SimulationError for a θ out of range and for indicators that are
    negative or not finite.
    """
    _check(squared, theta)
    order = np.argsort(-squared, kind="stable")
    gathered = np.cumsum(squared[order])
    if len(squared) == 0 or gathered[-1] == 0:
        return np.zeros(0, np.int64)
    return np.asarray(order[: int(np.searchsorted(gathered, theta * gathered[-1])) + 1])


def maximum(squared: Floats, theta: float = 0.5) -> Index:
    """All with η_T ≥ θ max η (maximum marking; Babuška and Vogelius 1984). Arguments and errors as in `doerfler`."""
    _check(squared, theta)
    if len(squared) == 0 or squared.max() == 0:
        return np.zeros(0, np.int64)
    return np.flatnonzero(squared >= theta**2 * squared.max())


def everything(squared: Floats) -> Index:
    """All: for uniform refinement by the same loop."""
    return np.arange(len(squared))


def _check(squared: NDArray[np.float64], theta: float) -> None:
    if not 0 < theta <= 1:
        raise SimulationError(f"theta={theta} must lie above 0 and not above 1.")
    wrong = ~(np.isfinite(squared) & (squared >= 0))
    if wrong.any():
        raise SimulationError(
            f"{int(wrong.sum())} of {len(squared)} squared indicators are negative or not finite, the first {squared[wrong][0]}."
        )
