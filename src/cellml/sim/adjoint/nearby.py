"""Linear systems of a step, solved by the factor of a neighbouring one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cellml.sim.engine.step import Coefficients, Stepper
from cellml.sim.engine.system import Vector

# Corrections end at this relative residual.
TOLERANCE = 1e-9
_MOST_CORRECTIONS = 12
# Where a residual shrinks less than by this factor, the factor at hand is too far off and is renewed.
_SLOWEST = 0.3


def solve_nearby(
    stepper: Stepper,
    apply: Callable[[Vector], Vector],
    right: Vector,
    guess: Vector,
    at: tuple[Vector, float, Coefficients],
    *,
    transposed: bool,
) -> Vector:
    """Solve J s = right, or Jᵀ s = right, on the free unknowns of a step; on the held ones s keeps the values of the guess.

    apply: s ↦ J s or Jᵀ s, exact; right, guess: (N,); at: state, time and coefficients of the step, for a factor where none is at hand.
    """
    free, found, last = stepper.conditions.free, guess.copy(), np.inf
    target = TOLERANCE * float(np.abs(right[free]).max(initial=0.0))
    for _ in range(_MOST_CORRECTIONS):
        residual = (right - apply(found))[free]
        size = float(np.abs(residual).max(initial=0.0))
        if size <= target:
            break
        solver, renewed = stepper.prepared(*at)
        if size > _SLOWEST * last and not renewed:
            stepper.forget(solver)
            solver, _ = stepper.prepared(*at)
        found[free] += solver.solve_transposed(residual) if transposed else solver.solve(residual)
        last = size
        if stepper.system.is_linear:  # the factor is that of this very step
            break
    return found
