"""Steady states."""

from __future__ import annotations

import numpy as np

from cellml.sim.engine.bordered import STEADY, bordered, released_total
from cellml.sim.engine.linear import LARGEST_DIRECT
from cellml.sim.engine.step import NoConvergenceError, Stepper, euler
from cellml.sim.engine.system import Vector
from cellml.sim.errors import SimulationError

_MOST_STEPS = 200
_GROWTH = 4.0
# In scales: longer steps gain nothing and lose digits, because their matrix is nearly singular.
_LONGEST = 1e6
# Changes per step below which Newton's method on the steady equations takes over.
_NEAR = 1e-4
_MOST_ITERATIONS = 12
TOLERANCE = 1e-12


def steady_state(stepper: Stepper, start: Vector, scale: float, *, load: Vector | None = None) -> Vector:
    """The steady state that a system reaches from a state, by pseudo-transient continuation (Kelley & Keyes 1998).

    Backward Euler with steps that grow from `scale` / 1000 (s; the diffusion time of the shape); every step keeps conserved totals. Near
    the end Newton's method solves the steady equations bordered by these totals, to round-off.

    start: (N,); load: molecules released at the beginning, (N,). Returns (N,). Raises SimulationError if none is reached.
    """
    y = stepper.conditions.impose(start, 0.0, stepper.values)
    totals = np.array([total.weights @ y + released_total(stepper, total, load) for total in stepper.kept])
    h, change, still = scale / 1000.0, np.inf, np.zeros_like(y)
    for _ in range(_MOST_STEPS):
        try:
            new = stepper.solve(y, still, 0.0, euler(h), load)
        except NoConvergenceError:
            h /= _GROWTH
            if h < 1e-12 * scale:
                break
            continue
        before, change = change, stepper.change(y, new)
        y, load = new, None
        if change < _NEAR and h >= 10 * scale:
            if len(y) > LARGEST_DIRECT and change < 1e-9:
                return y
            polished = _polished(stepper, y, totals) if len(y) <= LARGEST_DIRECT else None
            if polished is not None:
                return polished
        stalled = change > 0.5 * before and change < _NEAR
        h = max(h / _GROWTH, 10 * scale) if stalled else min(h * _GROWTH, _LONGEST * scale)
    raise SimulationError(
        f"No steady state was found: after {_MOST_STEPS} pseudo-time steps some species still changes by {change:.2g} of its largest "
        f"value in {h:.3g} s. The model may oscillate or grow; follow it in time instead (`time:` in place of `steady:`)."
    )


def _polished(stepper: Stepper, y: Vector, totals: Vector) -> Vector | None:
    """Newton's method on the bordered steady equations; None if it leaves the neighbourhood of y or does not converge."""
    free, begin, still = stepper.conditions.free, y, np.zeros_like(y)
    for _ in range(_MOST_ITERATIONS):
        residual = stepper.residual(y, y, still, 0.0, STEADY, None)[free]
        missing = totals - np.array([total.weights @ y for total in stepper.kept])
        step, _multipliers = bordered(stepper, stepper.kept, y).solve(-residual, missing)
        new = y.copy()
        new[free] += step
        size = stepper.change(y, new)
        y = new
        if not np.isfinite(size) or stepper.change(begin, y) > 0.1:
            return None
        if size < TOLERANCE:
            return y
    return None
