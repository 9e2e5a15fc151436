"""Observables that come from time courses, with the error that steps and elements leave in them.

The model is followed twice more: with half the steps, and on the mesh refined once (every tetrahedron in eight). Both schemes and P1
elements are of second order (backward Euler of first), so that by Richardson's argument a value v with step h is off by
(v_h − v_{h/2}) · 2ᵖ / (2ᵖ − 1). The error is the sum of the two, of the polyhedron that the mesh is.

Where that would take long, the same differences are taken from cheaper runs: with steps twice as long, (v_{2h} − v_h) / (2ᵖ − 1), and
between the two meshes with steps eight times as long. Together these cost about three times the run itself instead of twenty times. Unless
they are asked for, errors are left out where even that takes longer than the run itself and longer than half a minute.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from cellml.sim.dynamics import Dynamics, StoppedError, run
from cellml.sim.ends import Places
from cellml.sim.engine.courses import course_requests, reduced, unit_of
from cellml.sim.model import Model, ObservableRequest
from cellml.sim.observables import Observable
from cellml.sim.progress import Tell, silent
from cellml.types import TetMesh

Choice = Literal["auto", "always", "never"]
# Unknowns × steps up to which "auto" takes the full runs.
CHEAP = 5e6
# Processor time in s that "auto" may always add, and what the full and the cheaper runs take in multiples of the run itself: a mesh of 8
# times as many elements takes some 8^1.4 of the time.
PATIENCE, WHOLE, SHORT = 30.0, 20.0, 3.0
_SPACE = 4.0 / 3.0
_LONGER = 8


def course_observables(
    mesh: TetMesh, model: Model, places: Places, dynamics: Dynamics | None, *, solver: str, errors: Choice, tell: Tell = silent
) -> tuple[list[Observable], list[str]]:
    """The observables of time courses, and notes. dynamics: None if the model could not be followed.

    Of a run that was stopped they are "stopped". Where one of the finer runs does not come to its end, a note says so, and there are no
    errors.
    """
    requests = course_requests(model)
    if dynamics is None or dynamics.stopped:
        status, reason = "undefined", "the model could not be followed in time: a place that it needs does not exist"
        if dynamics is not None:
            status, reason = "stopped", dynamics.stopped
        return [Observable.without_value(r.name, unit_of(model, r), status, reason) for r in requests], []
    if not requests:
        return [], []
    pairs: list[Pair] = []
    notes: list[str] = []
    try:
        pairs = _pairs(mesh, model, places, dynamics, solver, errors, tell)
    except StoppedError as stopped:
        notes.append(f"No discretisation errors can be given, and the answer is in doubt: with finer steps or a finer mesh, {stopped}")
    if not pairs and not notes and errors == "auto":
        notes.append("Discretisation errors were not estimated, because that takes longer than the run itself; errors=always does it.")
    return [_observable(request, dynamics, pairs) for request in requests], notes


# Two runs and the factor of Richardson's that turns the difference between them into an error.
Pair = tuple[Dynamics, Dynamics, float]


def _pairs(mesh: TetMesh, model: Model, places: Places, dynamics: Dynamics, solver: str, errors: Choice, tell: Tell) -> list[Pair]:
    """Runs whose differences are the errors of steps and of elements; none where they are not wanted or cost too much."""
    if errors == "never":
        return []
    whole = errors == "always" or _whole_is_bearable(dynamics)
    if errors == "auto" and (WHOLE if whole else SHORT) * dynamics.seconds > max(PATIENCE, dynamics.seconds):
        return []
    from cellml.sim.adaptive.uniform import refine_uniformly

    def again(on: TetMesh, refine_time: float, what: str) -> Dynamics:
        told = partial(tell, f"for errors: {what}")
        told(0.0)
        return run(on, model, places, solver=solver, refine_time=refine_time, tell=told)

    finer_mesh, pairs = refine_uniformly(mesh)[0], []
    if not model.steady:
        ratio = 2.0 if model.time is not None and model.time.scheme == "backward_euler" else 4.0
        if whole:
            pairs.append((again(mesh, 2, "shorter steps"), dynamics, ratio / (ratio - 1)))
        else:
            pairs.append((again(mesh, 1 / 2, "longer steps"), dynamics, 1 / (ratio - 1)))
    long = 1.0 if whole else 1 / _LONGER
    pairs.append((again(finer_mesh, long, "finer mesh"), dynamics if whole else again(mesh, long, "long steps"), _SPACE))
    return pairs


def _whole_is_bearable(dynamics: Dynamics) -> bool:
    """Whether the full runs are taken without being asked for; of a steady state there are no others."""
    if dynamics.trajectory is None:
        return True
    small = 8 * dynamics.system.size * len(dynamics.trajectory.times) <= CHEAP
    return small and WHOLE * dynamics.seconds <= PATIENCE


def _observable(request: ObservableRequest, dynamics: Dynamics, pairs: list[Pair]) -> Observable:
    value, unit = reduced(dynamics.courses[request.name], request.reduce)
    if value != value:
        return Observable.without_value(request.name, unit, "undefined", "the course does not move, or never comes half its way")
    error = 0.0 if pairs else float("nan")
    for one, other, factor in pairs:
        first, second = (reduced(run.courses[request.name], request.reduce)[0] for run in (one, other))
        error += factor * abs(first - second)
    return Observable(request.name, value, unit, error)
