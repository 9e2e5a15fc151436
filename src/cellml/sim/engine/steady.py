"""Steady states."""

from __future__ import annotations

import numpy as np

from cellml.sim.engine.step import NoConvergenceError, Stepper, euler
from cellml.sim.engine.system import Vector
from cellml.sim.errors import SimulationError

_MOST_STEPS = 200
_GROWTH = 4.0
# In scales: longer steps gain nothing and lose digits, because their matrix is nearly singular.
_LONGEST = 1e6
# Changes below this that do not fade are round-off of a step that is too long.
_NOISE = 1e-7
TOLERANCE = 1e-11


def steady_state(stepper: Stepper, start: Vector, scale: float, *, load: Vector | None = None) -> Vector:
    """The steady state that a system reaches from a state, by pseudo-transient continuation (Kelley & Keyes 1998).

    Backward Euler with steps that grow from `scale` / 1000 (s; the diffusion time of the shape) until a step of at least ten scales changes
    no species by more than TOLERANCE of its largest value. Every step keeps conserved totals exactly, which a bare Newton iteration on the
    singular steady equations would not.

    start: (N,); load: molecules released at the beginning, (N,). Returns (N,). Raises SimulationError if none is reached.
    """
    y = stepper.conditions.impose(start, 0.0, stepper.values)
    h, change = scale / 1000.0, np.inf
    still = np.zeros_like(y)
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
        if change < TOLERANCE and h >= 10 * scale:
            return y
        stalled = change > 0.5 * before and change < _NOISE
        h = max(h / _GROWTH, 10 * scale) if stalled else min(h * _GROWTH, _LONGEST * scale)
    raise SimulationError(
        f"No steady state was found: after {_MOST_STEPS} pseudo-time steps some species still changes by {change:.2g} of its largest "
        f"value in {h:.3g} s. The model may oscillate or grow; follow it in time instead (`time:` in place of `steady:`)."
    )
