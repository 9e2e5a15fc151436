"""Solving a model on a mesh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.sim.domain import Domain, require_connected
from cellml.sim.ends import Places, automatic_places
from cellml.sim.measures import Specimen, measure
from cellml.sim.model import DIFFUSION_TIME, DiffusionModel, Release
from cellml.sim.observables import Observable
from cellml.sim.placement import NoPlaceError, Placement
from cellml.sim.transient import Transient, diffuse, point_release, surface_release
from cellml.types import TetMesh


@dataclass(frozen=True, eq=False)
class Solution:
    """What a model gave on a mesh.

    observables: in the order of the model. fields: nodal values (P,) on the points of the mesh, NaN at points of no tetrahedron, under the
    name of their observable: the relaxation mode (largest magnitude 1), first-passage times (s), the concentration between two ends (1 to
    0); and of a release `concentration` at its end and `concentration_<step>` for the earlier snapshots. places: where the automatic names
    pointed; transient: the release in time; notes: what a reader should know.
    """

    mesh: TetMesh
    model: DiffusionModel
    observables: tuple[Observable, ...]
    fields: Mapping[str, NDArray[np.float64]]
    places: Places
    transient: Transient | None = None
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Observable:
        """The observable of that name; KeyError if there is none."""
        return {observable.name: observable for observable in self.observables}[name]


def solve_model(mesh: TetMesh, model: DiffusionModel, *, places: Places | None = None) -> Solution:
    """Solve diffusion on a mesh and measure the observables of a model.

    places: where largest_cut and farthest_cut are, from `automatic_places` of another mesh of the same object; by default they are chosen
    on this one. An observable whose ends do not exist is "undefined"; one whose given places this mesh does not reach is "failed".

    Raises SimulationError if the mesh is not one piece, or lacks a set of facets that the model names.
    """
    require_connected(mesh)
    domain = Domain(mesh)
    chosen = automatic_places(mesh) if places is None else places
    specimen = Specimen(domain, model.D.to("um^2/s"), Placement(domain, chosen, foreign=places is not None))
    answers = [measure(specimen, request) for request in model.observables]
    fields = {observable.name: values for observable, values in answers if values is not None}
    transient, notes = None, [] if model.D.source else [f"D = {model.D.value:g} {model.D.unit} has no source."]
    if model.release is not None:
        try:
            transient = follow(specimen, model.release)
            fields |= {_snapshot_name(step, model.release.steps): domain.field(u) for step, u in transient.snapshots.items()}
        except NoPlaceError as missing:
            notes.append(f"Nothing was released at {model.release.at}: {missing.reason}.")
    return Solution(mesh, model, tuple(observable for observable, _ in answers), fields, chosen, transient, tuple(notes))


def _snapshot_name(step: int, last: int) -> str:
    return "concentration" if step == last else f"concentration_{step}"


def diffusion_time(domain: Domain, D: float) -> float:
    """L²/D in s, with L the extent of the shape along its longest principal axis and D in µm²/s."""
    return domain.extent() ** 2 / D


def follow(specimen: Specimen, release: Release) -> Transient:
    """The release of a model in time. Raises NoPlaceError if its automatic place does not exist."""
    domain, at = specimen.domain, release.at
    load = surface_release(domain, specimen.placement.facets(at, release.where)) if isinstance(at, str) else point_release(domain, at)
    relative = release.end.unit == DIFFUSION_TIME
    end = release.end.value * diffusion_time(domain, specimen.D) if relative else release.end.to("s")
    return diffuse(domain, specimen.D, load, end=end, steps=release.steps, scheme=release.scheme, snapshots=release.snapshots)
