"""The reacting part of a model on a mesh: its trajectory or steady state, time courses, and their discretisation errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import process_time

import numpy as np
from numpy.typing import NDArray

from cellml.sim.domain import Domain
from cellml.sim.ends import Places
from cellml.sim.engine.conditions import conditions
from cellml.sim.engine.courses import Course, Recorder
from cellml.sim.engine.invariants import Invariant, invariants
from cellml.sim.engine.release import release_load
from cellml.sim.engine.start import sound_start
from cellml.sim.engine.steady import steady_state
from cellml.sim.engine.step import Stepper
from cellml.sim.engine.system import System, build_system
from cellml.sim.engine.trajectory import BlowUpError, Plan, Trajectory, follow
from cellml.sim.errors import SimulationError
from cellml.sim.frames import Frames
from cellml.sim.model import DIFFUSION_TIME, Model
from cellml.types import TetMesh

# Share of the largest value of a species that it may fall below zero unmentioned.
_CLEARLY = 1e-3


@dataclass(frozen=True, eq=False)
class Dynamics:
    """How a model moved on a mesh.

    courses: by name of the observable, and the amount of each species; states: (N,) by time in s, from 0 to the end (of a steady state
    the only one, at infinity); drift: the largest relative change of each conserved total; trajectory: None of a steady state; frames:
    states (N,) in single precision by time in s, for a movie; below_zero: the lowest concentration (in coherent units) and its time in s of
    each species that fell clearly below zero; stopped: why it did not come to its end, empty if it did; seconds: of processor time that it
    took.
    """

    system: System
    courses: Mapping[str, Course]
    states: Mapping[float, NDArray[np.float64]]
    drift: Mapping[str, float]
    trajectory: Trajectory | None = None
    frames: Mapping[float, NDArray[np.float32]] = field(default_factory=dict)
    stopped: str = ""
    below_zero: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    seconds: float = 0.0


class StoppedError(SimulationError):
    """Time could not go on. dynamics: what there is up to the last good state."""

    def __init__(self, message: str, dynamics: Dynamics) -> None:
        super().__init__(message)
        self.dynamics = dynamics


def run(
    mesh: TetMesh,
    model: Model,
    places: Places | None = None,
    *,
    solver: str = "auto",
    refine_time: float = 1,
    frames: int = 0,
    tell: Callable[[float], object] | None = None,
) -> Dynamics:
    """Follow a model in time, or find its steady state.

    places: where the automatic choices are (by default, chosen on this mesh); solver: a name of `cellml.sim.engine.linear.SOLVERS`;
    refine_time: divides every step (below 1, steps are longer); frames: how many states are kept for a movie, at those steps that come
    nearest to equal distances; tell: called with the share of the time that is done.

    Raises SimulationError for a model that does not fit the mesh or has no sound state at time 0, StoppedError where time cannot go on, and
    NoPlaceError for a release at an automatic choice without an answer.
    """
    begun = process_time()
    system, values = build_system(mesh, model, places), model.values()
    held = conditions(system)
    conserved = invariants(system, held)
    stepper = Stepper(system, held, values, solver, conserved)
    load, start = release_load(system, values), sound_start(system, held, values)
    recorder = Recorder(system, values, load)
    scale = diffusion_time(mesh, model)
    if model.steady:
        final = steady_state(stepper, start, scale, load=load)
        recorder(np.inf, final)
        drift, seconds = _drift(system, conserved, [start, final], load), process_time() - begun
        return Dynamics(system, recorder.courses(), {np.inf: final}, drift, below_zero=_below_zero(recorder), seconds=seconds)
    return _followed(stepper, start, plan_of(model, scale, refine_time), load, recorder, frames, tell, begun)


def _followed(
    stepper: Stepper,
    start: NDArray[np.float64],
    plan: Plan,
    load: NDArray[np.float64] | None,
    recorder: Recorder,
    frames: int,
    tell: Callable[[float], object] | None,
    begun: float,
) -> Dynamics:
    kept = Frames(plan.end, frames, stepper.system.size)

    def observe(t: float, y: NDArray[np.float64]) -> None:
        recorder(t, y)
        kept(t, y)
        if tell is not None:
            tell(t / plan.end)

    reason = ""
    try:
        trajectory = follow(stepper, start, plan, load=load, observe=observe)
    except BlowUpError as error:
        reason, trajectory = str(error), error.so_far
    states = {0.0: trajectory.first, **trajectory.snapshots, float(trajectory.times[-1]): trajectory.final}
    drift = _drift(stepper.system, stepper.kept, list(states.values()), load)
    low, seconds = _below_zero(recorder), process_time() - begun
    dynamics = Dynamics(stepper.system, recorder.courses(), states, drift, trajectory, kept.states, reason, low, seconds)
    if reason:
        raise StoppedError(reason, dynamics)
    return dynamics


def plan_of(model: Model, scale: float, refine_time: float = 1) -> Plan:
    """How a model is followed. scale: its diffusion time in s; refine_time: divides every step."""
    time = model.time
    if time is None:
        raise SimulationError(f"The model {model.name!r} says neither how it is followed (`time:`) nor that its steady state is meant.")
    end = time.end.value * scale if time.end.unit == DIFFUSION_TIME else time.end.base
    tolerance = None if time.tolerance is None else time.tolerance / refine_time**2
    return Plan(end, max(round(time.steps * refine_time), 1), time.scheme, tolerance, time.snapshots)


def diffusion_time(mesh: TetMesh, model: Model) -> float:
    """L²/D in s, with L the extent of the shape along its longest principal axis and D of the fastest species; 1 s if nothing diffuses."""
    values = model.values()
    D = max(float(species.D.evaluate(values)) for species in model.species.values())
    return Domain(mesh).extent() ** 2 / D if D > 0 else 1.0


def _below_zero(recorder: Recorder) -> dict[str, tuple[float, float]]:
    return {name: (low, t) for name, (low, t) in recorder.lowest.items() if low < -_CLEARLY * recorder.largest[name]}


def _drift(
    system: System, conserved: tuple[Invariant, ...], states: list[NDArray[np.float64]], load: NDArray[np.float64] | None
) -> dict[str, float]:
    """Relative change of each conserved total over states; what is released at time 0 is in all but the first."""
    found = {}
    for total in conserved:
        amounts = np.array([total.weights @ y for y in states])
        if load is not None:
            amounts[0] += sum(c * load[system.slices[name]].sum() for name, c in total.coefficients.items())
        size = np.abs(amounts).max()
        found[str(total)] = float(np.ptp(amounts) / size) if size > 0 else 0.0
    return found
