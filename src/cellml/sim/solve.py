"""Solving a model on a mesh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.sim.course_errors import Choice, course_observables
from cellml.sim.domain import Domain, components, require_connected
from cellml.sim.dynamics import Dynamics, StoppedError, run
from cellml.sim.ends import Places, automatic_places
from cellml.sim.engine.courses import Course
from cellml.sim.engine.places import ModelPlaces
from cellml.sim.engine.system import System
from cellml.sim.errors import SimulationError
from cellml.sim.immobile import immobile_at_membranes
from cellml.sim.measures import measure
from cellml.sim.model import EVERYWHERE, Compartment, Model, ObservableRequest
from cellml.sim.observable_types import BULK_UNIT, SURFACE_UNIT, TYPES
from cellml.sim.observables import Observable
from cellml.sim.outer_membrane import facet_sets_of, outer_membrane_notes, with_outer_membrane
from cellml.sim.part import part_of
from cellml.sim.placement import NoPlaceError, Placement
from cellml.sim.progress import Tell, silent
from cellml.sim.quantities import from_base
from cellml.sim.sources import missing_sources
from cellml.sim.specimen import Specimen
from cellml.types import TetMesh


@dataclass(frozen=True, eq=False)
class Solution:
    """What a model gave on a mesh.

    observables: in the order of the model. fields: nodal values (P,) on the points of the mesh, NaN where there are none, under the name of
    their observable: the relaxation mode (largest magnitude 1), first-passage times (s), the concentration between two ends (1 to 0); and
    the concentration of each species at the end under its name (µM, or molecules per µm²). series: the concentrations of all species by
    time in s. courses: time courses by name. places: where the automatic names pointed; dynamics: the trajectory;
    notes: what a reader should know.
    """

    mesh: TetMesh
    model: Model
    observables: tuple[Observable, ...]
    fields: Mapping[str, NDArray[np.float64]]
    places: Places
    series: Mapping[float, Mapping[str, NDArray[np.float64]]] = field(default_factory=dict)
    courses: Mapping[str, Course] = field(default_factory=dict)
    dynamics: Dynamics | None = None
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Observable:
        """The observable of that name; KeyError if there is none."""
        return {observable.name: observable for observable in self.observables}[name]


class StoppedSolutionError(SimulationError):
    """Time could not go on. solution: all that was found up to the last good state, its time courses' observables "stopped"."""

    def __init__(self, message: str, solution: Solution) -> None:
        super().__init__(message)
        self.solution = solution


def solve_model(
    mesh: TetMesh,
    model: Model,
    *,
    places: Places | None = None,
    solver: str = "auto",
    errors: Choice = "auto",
    frames: int = 0,
    tell: Tell = silent,
) -> Solution:
    """Solve a model on a mesh and measure its observables.

    places: where largest_cut and farthest_cut are, from `automatic_places` of another mesh of the same object; by default they are chosen
    on this one. An observable whose ends do not exist is "undefined"; one whose given places this mesh does not reach is "failed".
    solver: how linear systems are solved (`cellml.sim.engine.linear.SOLVERS`); errors: whether time courses are computed again with other
    steps and on a refined mesh, for their discretisation error ("auto": by cheaper runs where that takes long); frames: how many states
    are kept for a movie; tell: told how far it has come.

    Raises SimulationError if the model does not fit the mesh, or a transport observable is asked of a compartment in several pieces;
    StoppedSolutionError, with what was found until then, if time cannot go on.
    """
    chosen = automatic_places(mesh) if places is None else places
    transport, fields = _transport(mesh, model, chosen, foreign=places is not None)
    dynamics, notes = None, [*outer_membrane_notes(mesh, facet_sets_of(model)), *missing_sources(model), *immobile_at_membranes(model)]
    if model.time is not None or model.steady:
        try:
            dynamics = run(mesh, model, chosen, solver=solver, frames=frames, tell=partial(tell, "following the model"))
        except StoppedError as stopped:
            dynamics = stopped.dynamics
        except NoPlaceError as missing:
            notes.append(f"The model was not followed in time, because a place that it needs does not exist: {missing.reason}.")
    answers, doubts = course_observables(mesh, model, chosen, dynamics, solver=solver, errors=errors, tell=tell)
    courses, series = {o.name: o for o in answers}, {}
    if dynamics is not None:
        series = {t: concentrations(dynamics.system, y) for t, y in dynamics.states.items()}
        fields |= series[max(series)]
        notes += [*doubts, *_piece_notes(dynamics), *_drift_notes(dynamics), *_negative_notes(dynamics)]
    solution = Solution(
        mesh,
        model,
        tuple(transport.get(request.name) or courses[request.name] for request in model.observables),
        fields,
        chosen,
        series,
        dynamics.courses if dynamics is not None else {},
        dynamics,
        tuple(notes),
    )
    if dynamics is not None and dynamics.stopped:
        raise StoppedSolutionError(dynamics.stopped, solution)
    return solution


def _transport(
    mesh: TetMesh, model: Model, places: Places, *, foreign: bool
) -> tuple[dict[str, Observable], dict[str, NDArray[np.float64]]]:
    """Observables of transport and geometry, and their fields."""
    specimens: dict[str, Specimen] = {}
    answers, fields = {}, {}
    for request in model.observables:
        if TYPES[request.type].course:
            continue
        if request.of not in specimens:
            specimens[request.of] = _specimen(mesh, model, places, request, foreign)
        answers[request.name], values = measure(specimens[request.of], request)
        if values is not None:
            fields[request.name] = values
    return answers, fields


def _specimen(mesh: TetMesh, model: Model, places: Places, request: ObservableRequest, foreign: bool) -> Specimen:
    """The compartment of the species that a transport observable is about, the whole mesh where it is about none."""
    compartment, D = Compartment(EVERYWHERE, (EVERYWHERE,)), 1.0
    if request.of:
        species = model.species[request.of]
        compartment, D = model.compartments[species.place], float(species.D.evaluate(model.values()))
    mesh = with_outer_membrane(mesh, facet_sets_of(model))
    part = part_of(mesh, ModelPlaces(mesh, model, places).tets_of(compartment))
    require_connected(part)
    domain = Domain(part)
    membranes = {name: membrane.facets for name, membrane in model.membranes.items()}
    return Specimen(domain, D, Placement(domain, places, foreign=foreign, membranes=membranes))


def concentrations(system: System, y: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    """The species of a state (N,) at all points of the mesh, (P,) each in µM or molecules per µm², NaN where they do not live."""
    unit = {name: unit_of_species(system.model, name) for name in system.slices}
    return {name: from_base(1.0, unit[name]) * system.field(name, y) for name in system.slices}


def unit_of_species(model: Model, name: str) -> str:
    """The unit that concentrations of a species are given in."""
    return BULK_UNIT if model.species[name].bulk else SURFACE_UNIT


def _piece_notes(dynamics: Dynamics) -> list[str]:
    """A word on each compartment that does not hang together."""
    system = dynamics.system
    bulk = {name: system.model.compartments[name] for name, space in system.spaces.items() if space.bulk}
    pieces = {name: components(part_of(system.places.mesh, system.places.tets_of(c))) for name, c in bulk.items()}
    return [
        f"{name} falls into {count} pieces that share no face: by diffusion, what is in one never reaches another."
        for name, count in pieces.items()
        if count > 1
    ]


def _negative_notes(dynamics: Dynamics) -> list[str]:
    """A word on each species that fell clearly below zero."""
    model = dynamics.system.model
    found = []
    for name, (low, t) in dynamics.below_zero.items():
        unit, when = unit_of_species(model, name), f"t = {t:.4g} s" if np.isfinite(t) else "the steady state"
        remedies = "" if model.lumped else "`lumped: true`, "
        found.append(
            f"{name} falls below zero, to {from_base(low, unit):.4g} {unit} at {when}: {remedies}a finer mesh or shorter steps keep it "
            "positive, unless a rate of the model takes it away where there is none."
        )
    return found


def _drift_notes(dynamics: Dynamics) -> list[str]:
    """A word on each conserved total that was not kept to round-off."""
    return [f"The conserved total {name} drifted by {share:.1g} of its size." for name, share in dynamics.drift.items() if share > 1e-9]
