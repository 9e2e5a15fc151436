"""Observables that come from time courses, with the error that steps and elements leave in them.

The model is followed twice more: with half the steps, and on the mesh refined once (every tetrahedron in eight). Both schemes and P1
elements are of second order (backward Euler of first), so that by Richardson's argument a value v with step h is off by
(v_h − v_{h/2}) · 2ᵖ / (2ᵖ − 1). The error is the sum of the two, of the polyhedron that the mesh is.
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
# Unknowns × steps of the refined mesh up to which "auto" estimates errors: about a minute.
CHEAP = 5e6
_SPACE = 4.0 / 3.0


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
    finer: list[tuple[Dynamics, float]] = []
    notes, estimated = [], False
    try:
        finer, estimated = _finer(mesh, model, places, dynamics, solver, errors, tell)
    except StoppedError as stopped:
        notes.append(f"No discretisation errors can be given, and the answer is in doubt: with finer steps or a finer mesh, {stopped}")
    return [_observable(request, dynamics, finer, estimated=estimated) for request in requests], notes


def _finer(
    mesh: TetMesh, model: Model, places: Places, dynamics: Dynamics, solver: str, errors: Choice, tell: Tell
) -> tuple[list[tuple[Dynamics, float]], bool]:
    """Runs with half the steps and on the refined mesh, each with its factor of Richardson's; and whether both were affordable."""
    finer: list[tuple[Dynamics, float]] = []
    if errors == "never":
        return finer, False
    steps = 20 if dynamics.trajectory is None else len(dynamics.trajectory.times)
    if errors == "auto" and 8 * dynamics.system.size * steps > CHEAP:
        return finer, False
    if not model.steady:
        order = 1 if model.time is not None and model.time.scheme == "backward_euler" else 2
        halved = run(mesh, model, places, solver=solver, refine_time=2, tell=partial(tell, "for errors: with half the steps"))
        finer.append((halved, 2.0**order / (2.0**order - 1)))
    from cellml.sim.adaptive.uniform import refine_uniformly

    refined = refine_uniformly(mesh)[0]
    finer.append((run(refined, model, places, solver=solver, tell=partial(tell, "for errors: on a finer mesh")), _SPACE))
    return finer, True


def _observable(request: ObservableRequest, coarse: Dynamics, finer: list[tuple[Dynamics, float]], *, estimated: bool) -> Observable:
    value, unit = reduced(coarse.courses[request.name], request.reduce)
    if value != value:
        return Observable.without_value(request.name, unit, "undefined", "the course does not move, or never comes half its way")
    error = sum(factor * abs(reduced(run.courses[request.name], request.reduce)[0] - value) for run, factor in finer)
    return Observable(request.name, value, unit, error if estimated else float("nan"))
