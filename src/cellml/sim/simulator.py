"""A simulation as a differentiable function: `Simulator` is a torch module that can stand in a loss.

    simulator = Simulator(mesh, model)
    answer = simulator(parameters={"k_on": k_on}, points=points)      # both with requires_grad
    answer.courses["A_amount_final"][-1].backward()

Values are in the coherent units of the engine (µm, s, molecules; concentrations in molecules per µm³ or µm²), points in nm as in the mesh.
Gradients are those of the discrete equations as they were solved, by the discrete adjoint (`cellml.sim.adjoint`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cellml.sim.adjoint.gradient import Gradient
from cellml.sim.adjoint.measures import Measured, measured
from cellml.sim.adjoint.steady import steady_gradient
from cellml.sim.adjoint.sweep import Sweep
from cellml.sim.domain import UM_PER_NM
from cellml.sim.dynamics import diffusion_time, plan_of
from cellml.sim.ends import automatic_places
from cellml.sim.engine.conditions import conditions
from cellml.sim.engine.courses import course_requests
from cellml.sim.engine.invariants import invariants
from cellml.sim.engine.release import release_load
from cellml.sim.engine.steady import steady_state
from cellml.sim.engine.step import Stepper
from cellml.sim.engine.system import System, Vector, build_system
from cellml.sim.engine.trajectory import Trajectory, follow
from cellml.sim.errors import SimulationError
from cellml.sim.model import Model
from cellml.types import TetMesh


@dataclass(frozen=True, eq=False)
class Answer:
    """What a differentiable simulation gave.

    times: (S + 1,) in s; courses: by name of the observable, (S + 1,) float64, the first before anything is released; final: by
    species, its nodal concentrations at the end (N_s,), in the order of `Simulator.nodes`.
    """

    times: Tensor
    courses: Mapping[str, Tensor]
    final: Mapping[str, Tensor]


class Simulator(nn.Module):
    """Solves one model on one mesh, for changing parameters, initial fields and points.

    parameters: names of those that become trainable `nn.Parameter`s of this module (in coherent units; their logarithm is kept where
    `positive`); solver: as in `cellml simulate`. The observables that are time courses are answered. Steps stay the same however the
    parameters change, also where `time.end` is a multiple of the diffusion time: it is taken from the values of the model.

    Raises SimulationError for a model that does not fit the mesh or has nothing to follow, for the scheme "imex" and adaptive steps, whose
    gradients are not those of one function, and for an unknown name.
    """

    def __init__(self, mesh: TetMesh, model: Model, parameters: Sequence[str] = (), *, positive: bool = True, solver: str = "auto") -> None:
        super().__init__()
        if model.time is None and not model.steady:
            raise SimulationError(f"The model {model.name!r} has neither `time:` nor `steady: true`: there is nothing to differentiate.")
        if model.time is not None and (model.time.scheme == "imex" or model.time.tolerance is not None):
            raise SimulationError(
                f"{model.time.where}: gradients need equal steps of bdf2 or backward_euler; leave `tolerance` and imex out."
            )
        self.mesh, self.model, self.solver, self.positive = mesh, model, solver, positive
        self.places = automatic_places(mesh)
        self.scale = diffusion_time(mesh, model)
        self.system = build_system(mesh, model, self.places)
        self.requests = course_requests(model)
        self.work: Trajectory | None = None  # of the last simulation: steps, iterations, factors
        known = model.values()
        unknown = [name for name in parameters if name not in known]
        if unknown:
            raise SimulationError(f"The model {model.name!r} has no parameter {unknown[0]!r}; it has: {', '.join(known)}.")
        self.trained = nn.ParameterDict()
        for name in parameters:
            start = torch.tensor(known[name], dtype=torch.float64)
            self.trained[name] = nn.Parameter(start.log() if positive else start)

    @property
    def nodes(self) -> Mapping[str, NDArray[np.int64]]:
        """The points of the mesh behind the nodal values of each species."""
        return {name: self.system.space_of(name).nodes for name in self.system.slices}

    def forward(
        self, parameters: Mapping[str, Tensor] | None = None, *, points: Tensor | None = None, initial: Mapping[str, Tensor] | None = None
    ) -> Answer:
        """Simulate.

        parameters: scalars by name, in coherent units, in place of the model's values; points: (P, 3) in nm in place of the mesh's;
        initial: nodal concentrations (N_s,) by species in place of the model's formulas. Each may
        require a gradient. Raises SimulationError for unknown names and points that turn a tetrahedron inside out.
        """
        given = {name: (p.exp() if self.positive else p) for name, p in self.trained.items()} | dict(parameters or {})
        known = self.model.values()
        unknown = [name for name in given if name not in known] + [name for name in initial or {} if name not in self.system.slices]
        if unknown:
            raise SimulationError(f"{unknown[0]!r} is neither a parameter nor a species of {self.model.name!r}.")
        names, fields = tuple(given), dict(initial or {})
        tensors = [torch.as_tensor(given[n], dtype=torch.float64) for n in names]
        theta = torch.stack(tensors) if tensors else torch.zeros(0, dtype=torch.float64)
        where = torch.as_tensor(self.mesh.points) if points is None else points.to(torch.float64)
        courses, final, times = _Simulation.apply(self, names, tuple(fields), theta, where, *fields.values())
        by_name = {request.name: courses[:, k] for k, request in enumerate(self.requests)}
        return Answer(times, by_name, {name: final[part] for name, part in self.system.slices.items()})


class _Simulation(torch.autograd.Function):
    """(parameters, points, initial fields) ↦ (courses (S + 1, K), final state (N,), times (S + 1,))."""

    @staticmethod
    def forward(
        ctx: Any, simulator: Simulator, names: tuple[str, ...], species: tuple[str, ...], theta: Tensor, points: Tensor, *fields: Tensor
    ) -> Any:
        run = _Run.of(simulator, dict(zip(names, theta.tolist(), strict=True)), points, dict(zip(species, fields, strict=True)))
        ctx.run, ctx.names, ctx.species = run, names, species
        simulator.work = run.trajectory
        times = torch.from_numpy(run.times)
        ctx.mark_non_differentiable(times)
        return torch.from_numpy(run.table), torch.from_numpy(run.states[-1].copy()), times

    @staticmethod
    def backward(ctx: Any, of_courses: Tensor, of_final: Tensor, _: Tensor) -> Any:  # type: ignore[override]
        run, wants_shape = ctx.run, ctx.needs_input_grad[4]
        gradient = run.gradient(of_courses.numpy(), of_final.numpy(), with_shape=wants_shape)
        theta = torch.tensor([gradient.parameters.get(name, 0.0) for name in ctx.names], dtype=torch.float64)
        points = torch.from_numpy(gradient.points() * UM_PER_NM) if wants_shape else None
        fields = [torch.from_numpy(gradient.initial[run.system.slices[name]].copy()) for name in ctx.species]
        return None, None, None, theta, points, *fields


@dataclass(frozen=True, eq=False)
class _Run:
    """One simulation with everything that its gradient needs."""

    system: System
    stepper: Stepper
    states: list[Vector]
    times: Vector
    table: Vector
    measures: list[Measured]
    trajectory: Trajectory | None
    replaced: tuple[str, ...]

    @classmethod
    def of(cls, simulator: Simulator, changed: Mapping[str, float], points: Tensor, fields: Mapping[str, Tensor]) -> _Run:
        model = simulator.model.with_values(changed)
        values, system = model.values(), simulator.system
        where = points.detach().numpy()
        moved = not np.array_equal(where, simulator.mesh.points)
        if moved:
            system = build_system(replace(simulator.mesh, points=where), model, simulator.places)
        held = conditions(system)
        kept = invariants(system, held)
        stepper = Stepper(system, held, values, simulator.solver, kept)
        start = system.initial(values)
        for name, tensor in fields.items():
            start[system.slices[name]] = tensor.detach().numpy()
        load = release_load(system, values)
        measures = [measured(system, request, values) for request in simulator.requests]
        trajectory = None
        if model.steady:
            final = steady_state(stepper, start, simulator.scale, load=load)
            states, times = [held.impose(start, 0.0, values), final], np.array([np.inf])
            table = np.array([[m.value(0.0, final) for m in measures]])
        else:
            plan = plan_of(model, simulator.scale)
            trajectory = follow(stepper, start, plan, load=load, keep=True)
            states, times = [trajectory.first, *(record.state for record in trajectory.records)], trajectory.times
            seen = [0.0, *(record.t for record in trajectory.records)]
            table = np.array([[m.value(t, y) for m in measures] for t, y in zip(seen, states, strict=True)])
        return cls(system, stepper, states, times, table.reshape(len(times), len(measures)), measures, trajectory, tuple(fields))

    def gradient(self, of_courses: Vector, of_final: Vector, *, with_shape: bool) -> Gradient:
        """Pull cotangents of the courses (S + 1, K) and the final state (N,) back."""
        into = Gradient(self.system, self.stepper.values, with_shape, self.replaced)
        released = bool(self.system.model.releases)
        if self.trajectory is None:
            back = of_final + self._pulled(of_courses[0], 0.0, self.states[-1], into)
            kept = self.stepper.kept
            return steady_gradient(self.stepper, kept, self.states[0], self.states[-1], back, into, released=released)
        seen = [0.0, *(record.t for record in self.trajectory.records)]
        cotangents = [self._pulled(row, t, y, into) for row, t, y in zip(of_courses, seen, self.states, strict=True)]
        cotangents[-1] = cotangents[-1] + of_final
        return Sweep(self.stepper, self.trajectory, into).run(cotangents, released=released)

    def _pulled(self, row: Vector, t: float, y: Vector, into: Gradient) -> Vector:
        back = np.zeros(self.system.size)
        for factor, each in zip(row, self.measures, strict=True):
            if factor != 0.0:
                back = back + each.pull_back(float(factor), t, y, into)
        return back
