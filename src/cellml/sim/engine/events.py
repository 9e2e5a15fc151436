"""Moments at which a model changes abruptly: steps, pulses and the points of stimuli. A time step must end there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from cellml.sim.derivative import derivative
from cellml.sim.engine.system import System
from cellml.sim.expression import Expression

_TIME = Expression("name", name="t")


def events(system: System, values: Mapping[str, float], end: float) -> tuple[float, ...]:
    """Times strictly between 0 and end, increasing."""
    model = system.model
    formulas = [reaction.rate for reaction in model.reactions] + [fixed.value for fixed in model.fixed]
    found = {time for formula in formulas for time in _jumps(formula, values)}
    found |= {time for stimulus in model.stimuli.values() for time in stimulus.times}
    return tuple(sorted(time for time in found if 0.0 < time < end))


def _jumps(formula: Expression, values: Mapping[str, float]) -> Iterator[float]:
    for argument in formula.args:
        yield from _jumps(argument, values)
    if formula.op == "pulse" and formula.args[0] == _TIME:
        begin, length = (_number(a, values) for a in formula.args[1:])
        yield from (begin, begin + length)
    if formula.op in ("step", "sign", "abs") and "t" in formula.args[0].names:
        yield _root(formula.args[0], values)
    if formula.op in ("min", "max") and "t" in formula.names:
        yield _root(Expression("-", formula.args), values)


def _number(formula: Expression, values: Mapping[str, float]) -> float:
    return float(formula.evaluate(values)) if formula.names <= set(values) else np.nan


def _root(formula: Expression, values: Mapping[str, float]) -> float:
    """Where a formula that is linear in t vanishes; NaN for others, whose kinks are left to the step control."""
    slope = derivative(formula, "t")
    if "t" in slope.names or not formula.names <= {*values, "t"}:
        return np.nan
    return float(-formula.evaluate({**values, "t": 0.0}) / slope.evaluate(values))
