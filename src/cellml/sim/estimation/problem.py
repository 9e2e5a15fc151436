"""Measurements, a model and a mesh as one least-squares problem.

With Gaussian errors and priors that are normal in z, −ln posterior = ½ Σ r² + constant, where the residuals r are
(model − measured) / sd for each measurement and (z − mean) / sd for each prior.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cellml.sim.adjoint.gradient import Gradient
from cellml.sim.adjoint.measures import Measured, measured
from cellml.sim.adjoint.tangent import tangent_sweep
from cellml.sim.dynamics import diffusion_time, plan_of
from cellml.sim.ends import automatic_places
from cellml.sim.engine.conditions import conditions
from cellml.sim.engine.courses import course_requests
from cellml.sim.engine.invariants import invariants
from cellml.sim.engine.release import release_load
from cellml.sim.engine.step import Stepper
from cellml.sim.engine.system import System, build_system
from cellml.sim.engine.trajectory import Plan, Trajectory, follow
from cellml.sim.errors import SimulationError
from cellml.sim.estimation.measurements import Measurement
from cellml.sim.estimation.unknowns import Unknown
from cellml.sim.model import Model
from cellml.types import TetMesh

Vector = NDArray[np.float64]
Run = tuple[Stepper, Trajectory, dict[str, Measured]]


@dataclass(eq=False)
class Solutions:
    """How often the model was solved, and the last z with its solution, which residuals and their slopes there share."""

    count: int = 0
    last: tuple[Vector, Run] | None = None


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be fitted.

    tell: called after each solution with the number of all solutions and chi², Σ ((model − measured)/sd)².
    Raises SimulationError for a model without equal steps in time, and measurements after its end.
    """

    mesh: TetMesh
    model: Model
    unknowns: tuple[Unknown, ...]
    measurements: tuple[Measurement, ...]
    solver: str = "auto"
    tell: Callable[[int, float], object] | None = None
    solutions: Solutions = field(default_factory=Solutions, init=False, repr=False)

    def __post_init__(self) -> None:
        time = self.model.time
        if time is None or time.scheme == "imex" or time.tolerance is not None:
            raise SimulationError(f"Fitting {self.model.name!r} needs `time:` with equal steps of bdf2 or backward_euler.")
        last = max(float(m.times.max()) for m in self.measurements)
        if last > self._plan.end * (1 + 1e-9):
            raise SimulationError(
                f"The last measurement is at {last:.4g} s, but the model ends at {self._plan.end:.4g} s; make `time.end` later."
            )

    @cached_property
    def system(self) -> System:
        """The equations on the mesh."""
        return build_system(self.mesh, self.model, automatic_places(self.mesh))

    @cached_property
    def _plan(self) -> Plan:
        return plan_of(self.model, diffusion_time(self.mesh, self.model))

    @property
    def start(self) -> Vector:
        """Where the search begins, (p,)."""
        return np.array([u.start for u in self.unknowns])

    @property
    def bounds(self) -> tuple[Vector, Vector]:
        """Least and largest z, (p,) each."""
        return np.array([u.low for u in self.unknowns]), np.array([u.high for u in self.unknowns])

    def values(self, z: Vector) -> dict[str, float]:
        """Values of the unknowns in coherent units."""
        return {u.name: u.value(float(each)) for u, each in zip(self.unknowns, z, strict=True)}

    def courses(self, z: Vector) -> dict[str, tuple[Vector, Vector]]:
        """Times and values of each measured course, in coherent units."""
        _, trajectory, measures = self._run(z)
        states = [trajectory.first, *(record.state for record in trajectory.records)]
        seen = [0.0, *(record.t for record in trajectory.records)]
        found = {
            name: (trajectory.times, np.array([m.value(t, y) for t, y in zip(seen, states, strict=True)])) for name, m in measures.items()
        }
        if self.tell is not None:
            self.tell(self.solutions.count, float(np.sum(self._misfits(found) ** 2)))
        return found

    def solution(self, z: Vector) -> Run:
        """The equations with the values at z, their trajectory, and how each measured observable is read from a state."""
        return self._run(z)

    def residuals(self, z: Vector) -> Vector:
        """R at a point z (p,)."""
        return np.concatenate([self._misfits(self.courses(z)), self._prior(z)])

    def jacobian(self, z: Vector) -> Vector:
        """∂r/∂z, (residuals, p), by forward sensitivities."""
        stepper, trajectory, measures = self._run(z)
        names = [u.name for u in self.unknowns]
        rows: dict[str, list[Vector]] = {name: [] for name in measures}

        def visit(t: float, y: Vector, s: Vector) -> None:
            for name, each in measures.items():
                into = Gradient(self.system, stepper.values, with_shape=False)
                back = each.pull_back(1.0, t, y, into)
                rows[name].append(s @ back + [into.parameters.get(n, 0.0) for n in names])

        tangent_sweep(stepper, trajectory, names, visit, released=bool(self.model.releases))
        slopes = np.array([u.slope(float(each)) for u, each in zip(self.unknowns, z, strict=True)])
        parts = []
        for m in self.measurements:
            table = np.array(rows[m.observable]) * slopes
            parts.append(np.stack([np.interp(m.times, trajectory.times, column) for column in table.T], axis=1) / m.sd[:, None])
        prior = np.array([[1.0 / u.sd if i == k else 0.0 for k in range(len(self.unknowns))] for i, u in enumerate(self.unknowns)])
        return np.concatenate([*parts, prior[np.isfinite([u.sd for u in self.unknowns])]])

    def log_posterior(self, z: Vector) -> float:
        """Ln posterior at z up to a constant; −∞ outside the bounds and where the model cannot be solved."""
        low, high = self.bounds
        if (z < low).any() or (z > high).any():
            return -np.inf
        try:
            return float(-0.5 * np.sum(self.residuals(z) ** 2))
        except SimulationError:
            return -np.inf

    def _misfits(self, courses: Mapping[str, tuple[Vector, Vector]]) -> Vector:
        return np.concatenate([(np.interp(m.times, *courses[m.observable]) - m.values) / m.sd for m in self.measurements])

    def _prior(self, z: Sequence[float] | Vector) -> Vector:
        return np.array([(each - u.mean) / u.sd for u, each in zip(self.unknowns, z, strict=True) if np.isfinite(u.sd)])

    def _run(self, z: Vector) -> Run:
        """The solution at z; the last one is kept, so that the Jacobian where residuals were just found costs no further one."""
        if (last := self.solutions.last) is not None and np.array_equal(last[0], z):
            return last[1]
        self.solutions.count += 1
        run = self._solved(z)
        self.solutions.last = (np.array(z), run)
        return run

    def _solved(self, z: Vector) -> Run:
        values = {**self.model.values(), **self.values(z)}
        held = conditions(self.system)
        stepper = Stepper(self.system, held, values, self.solver, invariants(self.system, held))
        trajectory = follow(stepper, self.system.initial(values), self._plan, load=release_load(self.system, values), keep=True)
        requests = {request.name: request for request in course_requests(self.model)}
        names = dict.fromkeys(m.observable for m in self.measurements)
        return stepper, trajectory, {name: measured(self.system, requests[name], values) for name in names}
