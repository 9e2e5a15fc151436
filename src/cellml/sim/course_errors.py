"""Observables that come from time courses, with the error that steps and elements leave in them.

The model is followed twice more: with half the steps, and on the mesh refined once (every tetrahedron in eight). Both schemes and P1
elements are of second order (backward Euler of first), so that by Richardson's argument a value v with step h is off by
(v_h − v_{h/2}) · 2ᵖ / (2ᵖ − 1). The error is the sum of the two, of the polyhedron that the mesh is.
"""

from __future__ import annotations

from typing import Literal

from cellml.sim.dynamics import Dynamics, run
from cellml.sim.ends import Places
from cellml.sim.engine.courses import course_requests, reduced, unit_of
from cellml.sim.model import Model, ObservableRequest
from cellml.sim.observables import Observable
from cellml.types import TetMesh

Choice = Literal["auto", "always", "never"]
# Unknowns × steps × 8 up to which "auto" follows the refined mesh too: about a minute.
CHEAP = 2e7
_SPACE = 4.0 / 3.0


def course_observables(
    mesh: TetMesh, model: Model, places: Places, dynamics: Dynamics | None, *, solver: str, errors: Choice
) -> list[Observable]:
    """The observables of time courses. dynamics: None if the model could not be followed."""
    requests = course_requests(model)
    if dynamics is None:
        reason = "the model could not be followed in time: a place that it needs does not exist"
        return [Observable.without_value(r.name, unit_of(model, r), "undefined", reason) for r in requests]
    if not requests:
        return []
    finer_steps = finer_mesh = None
    if errors != "never":
        if not model.steady:
            finer_steps = run(mesh, model, places, solver=solver, refine_time=2)
        steps = 20 if dynamics.trajectory is None else len(dynamics.trajectory.times)
        if errors == "always" or 8 * dynamics.system.size * steps < CHEAP:
            from cellml.sim.adaptive.uniform import refine_uniformly

            finer_mesh = run(refine_uniformly(mesh)[0], model, places, solver=solver)
    return [_observable(model, request, dynamics, finer_steps, finer_mesh) for request in requests]


def _observable(
    model: Model, request: ObservableRequest, coarse: Dynamics, finer_steps: Dynamics | None, finer_mesh: Dynamics | None
) -> Observable:
    value, unit = reduced(coarse.courses[request.name], request.reduce)
    if value != value:
        return Observable.without_value(request.name, unit, "undefined", "the course does not move, or never comes half its way")
    error = 0.0 if finer_mesh is not None else float("nan")
    order = 1 if model.time is not None and model.time.scheme == "backward_euler" else 2
    for finer, factor in ((finer_steps, 2.0**order / (2.0**order - 1)), (finer_mesh, _SPACE)):
        if finer is not None:
            error += factor * abs(reduced(finer.courses[request.name], request.reduce)[0] - value)
    return Observable(request.name, value, unit, error)
