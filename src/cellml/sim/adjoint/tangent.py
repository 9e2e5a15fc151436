"""Forward sensitivities: how a whole trajectory moves with each parameter.

Differentiating the equation of a step (see `cellml.sim.adjoint.sweep`) by a parameter p gives, with s = ∂y/∂p,

    Jₙ sₙ = M ((aₙ + βₙ) sₙ₋₁ − βₙ sₙ₋₂) − ∂Fₙ/∂p,

one linear solve for each step and parameter. That is cheaper than adjoints where a few parameters move many numbers, as in least squares,
and an independent check of them: both must give the same directional derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cellml.sim.adjoint.nearby import solve_nearby
from cellml.sim.derivative import derivative
from cellml.sim.engine.release import release_share
from cellml.sim.engine.step import Coefficients, Stepper
from cellml.sim.engine.system import Vector
from cellml.sim.engine.trajectory import Trajectory

# (t, state, its sensitivities (p, N)) called at the beginning and after every step
Visit = Callable[[float, Vector, Vector], None]


def tangent_sweep(stepper: Stepper, trajectory: Trajectory, parameters: Sequence[str], visit: Visit, *, released: bool) -> None:
    """Follow the sensitivities of a trajectory by some parameters; `visit` sees each state with its sensitivities (p, N).

    released: the first step had the model's load.
    """
    states = [trajectory.first, *(record.state for record in trajectory.records)]
    older = old = np.array([_of_initial(stepper, name) for name in parameters]).reshape(len(parameters), stepper.system.size)
    visit(0.0, states[0], old)
    for n, record in enumerate(trajectory.records, start=1):
        c, y, t = record.coefficients, states[n], record.t
        right = np.array([_slope_of_step(stepper, name, y, t, c.h) for name in parameters]).reshape(old.shape)
        right += ((c.a + c.beta) * old - c.beta * older) @ stepper.system.mass
        if n == 1 and released:
            right += np.array([_slope_of_release(stepper, name) for name in parameters])
        held = np.array([_of_held(stepper, name, t) for name in parameters]).reshape(old.shape)
        new = _solved(stepper, right, held, y, t, c, 2.0 * old - older if n > 1 else old)
        visit(t, y, new)
        older, old = old, new


def _solved(stepper: Stepper, right: Vector, held: Vector, y: Vector, t: float, c: Coefficients, guess: Vector) -> Vector:
    """Solve J s = right (p, N) on the free unknowns, with given values on the held ones."""
    J = stepper.jacobian(y, t, stepper.values, c.a, c.h)
    taken = np.ones(len(y), bool)
    taken[stepper.conditions.free] = False
    start = np.where(taken, held, guess)
    rows = [solve_nearby(stepper, lambda s: J @ s, r, g, (y, t, c), transposed=False) for r, g in zip(right, start, strict=True)]
    return np.array(rows).reshape(right.shape)


def _slope_of_step(stepper: Stepper, parameter: str, y: Vector, t: float, h: float) -> Vector:
    """−∂F/∂p without the load."""
    system, values = stepper.system, stepper.values
    slope, others = np.zeros(system.size), system.others(values, t)
    for name, part in system.slices.items():
        D = system.model.species[name].D
        if parameter in D.names:
            slope[part] -= h * float(derivative(D, parameter).evaluate(values)) * (system.space_of(name).stiffness @ y[part])
    for term in system.terms:
        if term.depends_on(parameter):
            spread = h * (term.mass @ term.slope(parameter, y, others))
            for name, copies in term.changes.items():
                slope[term.unknowns[name]] += copies * spread
    return slope


def _slope_of_release(stepper: Stepper, parameter: str) -> Vector:
    system, slope = stepper.system, np.zeros(stepper.system.size)
    for release in system.model.releases:
        if parameter in release.amount.names:
            amount = float(derivative(release.amount, parameter).evaluate(stepper.values))
            slope[system.slices[release.species]] += amount * release_share(system, release)
    return slope


def _of_initial(stepper: Stepper, parameter: str) -> Vector:
    """∂y₀/∂p."""
    system, slope = stepper.system, np.zeros(stepper.system.size)
    for name, part in system.slices.items():
        formula, x = system.model.species[name].initial, system.space_of(name).coordinates
        if parameter in formula.names:
            slope[part] = derivative(formula, parameter).evaluate({**stepper.values, "x": x[:, 0], "y": x[:, 1], "z": x[:, 2]})
    held, taken = _of_held(stepper, parameter, 0.0), np.ones(system.size, bool)
    taken[stepper.conditions.free] = False
    slope[taken] = held[taken]
    return slope


def _of_held(stepper: Stepper, parameter: str, t: float) -> Vector:
    """∂(held values)/∂p, zero elsewhere."""
    slope, others = np.zeros(stepper.system.size), stepper.system.others(stepper.values, t)
    for held in stepper.conditions.held:
        x = held.coordinates
        formula = derivative(held.value, parameter)
        slope[held.unknowns] = formula.evaluate({**others, "x": x[:, 0], "y": x[:, 1], "z": x[:, 2]})
    return slope
