"""The discrete adjoint of a trajectory.

A trajectory solves Fₙ = M (aₙ(yₙ − yₙ₋₁) − βₙ(yₙ₋₁ − yₙ₋₂)) − bₙ + hₙ(A yₙ − S(yₙ, tₙ)) = 0 on the free unknowns. For J = Σ gₙ(yₙ) the
multipliers follow backward from the end,

    Jₙᵀ λₙ = ∂gₙ/∂yₙ + (aₙ₊₁ + βₙ₊₁) M λₙ₊₁ − βₙ₊₂ M λₙ₊₂,      Jₙ = aₙ M + hₙ (A − S′(yₙ)),

and dJ/dp = Σ ∂gₙ/∂p − Σ λₙᵀ ∂Fₙ/∂p + (∂J/∂y₀)ᵀ dy₀/dp, exact to round-off for the discrete equations as they were solved (Hairer, Lubich &
Wanner 2006, VI.10; Cao, Li, Petzold & Serban 2003). The length of steps counts as given.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cellml.sim.adjoint.collect import changed, collect_held, collect_initial, collect_release, collect_step
from cellml.sim.adjoint.gradient import Gradient
from cellml.sim.adjoint.nearby import solve_nearby
from cellml.sim.engine.step import Coefficients, Stepper
from cellml.sim.engine.system import Vector
from cellml.sim.engine.trajectory import Trajectory


class Sweep:
    """The way back through one trajectory."""

    def __init__(self, stepper: Stepper, trajectory: Trajectory, gradient: Gradient) -> None:
        self.stepper, self.trajectory, self.gradient = stepper, trajectory, gradient
        self.system, self.mass = stepper.system, stepper.system.mass

    def run(self, cotangents: Sequence[Vector], *, released: bool) -> Gradient:
        """Collect the gradient. cotangents: ∂gₙ/∂yₙ, (N,), for n = 0 … S; released: the first step had the model's load."""
        records = self.trajectory.records
        states = [self.trajectory.first, *(record.state for record in records)]
        now = later = np.zeros(self.system.size)  # what steps after n owe to yₙ and to yₙ₋₁
        guess = last = np.zeros(self.system.size)
        for n in range(len(records), 0, -1):
            record, right = records[n - 1], cotangents[n] + now
            c, back = record.coefficients, Transposed(self.stepper, states[n], record.t, record.coefficients)
            multiplier = solve_nearby(self.stepper, back, right, guess, (states[n], record.t, c), transposed=True)
            d = states[n - 1] - states[n - 2] if n > 1 else np.zeros_like(right)
            collect_step(self.gradient, self.stepper, multiplier, states[n], c.a * (states[n] - states[n - 1]) - c.beta * d, record.t, c.h)
            if self.stepper.conditions.held:
                collect_held(self.gradient, self.stepper, right - back(multiplier), record.t)
            if n == 1 and released:
                collect_release(self.gradient, multiplier)
            spread = self.mass @ multiplier
            now, later = later + (c.a + c.beta) * spread, -c.beta * spread
            guess, last = 2.0 * multiplier - last if n < len(records) else multiplier, multiplier
        self.gradient.initial = cotangents[0] + now
        collect_initial(self.gradient, self.stepper)
        return self.gradient


class Transposed:
    """λ ↦ Jᵀλ at a state, without assembling J; slopes of all rates are evaluated once."""

    def __init__(self, stepper: Stepper, y: Vector, t: float, c: Coefficients) -> None:
        self.stepper, self.c = stepper, c
        others = stepper.system.others(stepper.values, t)
        self.slopes = [{name: term.slope(name, y, others) for name in term.inputs()} for term in stepper.system.terms]

    def __call__(self, multiplier: Vector) -> Vector:
        """Jᵀ λ, (N,)."""
        system, c = self.stepper.system, self.c
        result = c.a * (system.mass @ multiplier) + c.h * (self.stepper.transport @ multiplier)
        for term, slopes in zip(system.terms, self.slopes, strict=True):
            spread = term.mass @ changed(term, multiplier)
            for name, slope in slopes.items():
                result[term.unknowns[name]] -= c.h * slope * spread
        return np.asarray(result)
