"""Whether the time step of a model is fine enough for the data that it is fitted to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from cellml.sim.estimation.fit import Fit
from cellml.sim.scales import scales

# Shares of a standard deviation: a course that moves more with the step spoils estimates; steps that are proposed aim at the other.
SPOILED, AIM = 1 / 3, 0.1
_ORDERS = {"bdf2": 2, "backward_euler": 1}


@dataclass(frozen=True)
class StepShift:
    """How far the courses at the measured times move when every step is halved.

    steps: of the model; shift: the largest move, in standard deviations of the measurements; observable, time: where, time in s; proposed:
    steps with which it would be a tenth, by the order of the scheme.
    """

    steps: int
    shift: float
    observable: str
    time: float
    proposed: int

    @property
    def note(self) -> str:
        """A sentence if the step moves the courses by more than a third of a standard deviation, else nothing."""
        if self.shift <= SPOILED:
            return ""
        return (
            f"Warning: the time step is too coarse for these data: with {2 * self.steps} instead of {self.steps} steps, {self.observable} "
            f"at {self.time:.3g} s moves by {self.shift:.2g} of its standard deviation, which spoils the estimates. "
            f"Set time.steps: {self.proposed} in the model and fit again."
        )


def step_shift(fit: Fit) -> StepShift:
    """Solve the model at the estimate with steps half as long. Raises SimulationError if it cannot be solved so."""
    problem = fit.problem
    time = problem.model.time
    assert time is not None  # a Problem has one
    finer = replace(problem, model=replace(problem.model, time=replace(time, steps=2 * time.steps)), tell=None)
    coarse, fine = problem.courses(fit.z), finer.courses(fit.z)
    moved = [
        (abs(b - a) / sd, m.observable, t)
        for m in problem.measurements
        for t, a, b, sd in zip(
            m.times, np.interp(m.times, *coarse[m.observable]), np.interp(m.times, *fine[m.observable]), m.sd, strict=True
        )
    ]
    shift, observable, t = max(moved)
    proposed = max(2 * time.steps, ceil(time.steps * (shift / AIM) ** (1 / _ORDERS[time.scheme])))
    return StepShift(time.steps, float(shift), observable, float(t), proposed)


def step_warnings(fit: Fit) -> tuple[str, ...]:
    """The warnings that a simulation prints beforehand, of the model with its estimates."""
    model = fit.problem.model
    parameters = dict(model.parameters)
    for u, z in zip(fit.problem.unknowns, fit.z, strict=True):
        old = parameters[u.name]
        parameters[u.name] = replace(old, quantity=replace(old.quantity, value=u.told(float(z))))
    warnings = scales(fit.problem.mesh, replace(model, parameters=parameters)).warnings
    # A fit needs equal steps, so that the other remedy for a simulation is none here.
    return tuple(warning.replace(", or `tolerance: 1e-3` under `time:`", "") for warning in warnings)
