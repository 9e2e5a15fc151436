"""Solving a mechanical model on a mesh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.sim.errors import SimulationError
from cellml.sim.mechanics_model import AXES, MECHANICS_TYPES, MechanicsModel, MechanicsRequest, Push, Support
from cellml.sim.model import EVERYWHERE
from cellml.sim.observables import Observable
from cellml.sim.outer_membrane import MEMBRANE, outer_membrane_notes, with_outer_membrane
from cellml.sim.quantities import Quantity
from cellml.types import TetMesh

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MechanicsSolution:
    """What a mechanical model gave on a mesh.

    observables: in the order of the model, at full load; fields: on the points of the mesh, NaN at points of no tetrahedron: `displacement`
    (P, 3) in nm and `von_mises` (P,) in Pa; fractions: (S,) of displacements and loads; curves: (S,) each, the observables at these
    fractions by name (of stress_strain the nominal stress), in the units of the observables; strains: of each stress_strain, (S,).
    """

    mesh: TetMesh
    model: MechanicsModel
    observables: tuple[Observable, ...]
    fields: Mapping[str, Floats]
    fractions: Floats
    curves: Mapping[str, Floats]
    strains: Mapping[str, Floats]
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Observable:
        """The observable of that name; KeyError if there is none."""
        return {observable.name: observable for observable in self.observables}[name]


def solve_mechanics(mesh: TetMesh, model: MechanicsModel) -> MechanicsSolution:
    """Solve a mechanical model in its steps.

    The discretisation error of an observable is its distance to the same on elements of the other order, more than the error of the better
    one. Raises SimulationError, opening with file and line of the model, for a region or facet set that the mesh lacks, and for loads
    that nothing bears or that do not converge.
    """
    needed = {*(support.on for support in model.supports), *(load.on for load in model.loads)}
    notes = (*outer_membrane_notes(mesh, needed), *model.sourceless)
    mesh = with_outer_membrane(mesh, needed)
    _check_names(mesh, model)
    fractions = np.arange(1, model.steps + 1) / model.steps
    path = _follow(mesh, model, fractions)
    other = _follow(mesh, replace(model, order=3 - model.order), fractions)
    measured, rough = _measured(mesh, model, path), _measured(mesh, model, other)
    curves = {r.name: _in_unit(measured[r.name], r) for r in model.observables}
    last = path[-1]
    return MechanicsSolution(
        mesh=mesh,
        model=model,
        observables=tuple(_observable(r, mesh, model, measured[r.name][-1], rough[r.name][-1]) for r in model.observables),
        fields={"displacement": 1000.0 * last.displacement, "von_mises": last.at_points(last.von_mises())},
        fractions=fractions,
        curves=curves,
        strains={r.name: fractions * _strain(mesh, model, r) for r in model.observables if r.type == "stress_strain"},
        notes=notes,
    )


def _check_names(mesh: TetMesh, model: MechanicsModel) -> None:
    present = {mesh.region_names.get(int(n), str(int(n))) for n in np.unique(mesh.regions)}
    for solid in model.solids:
        if solid.region not in present | {EVERYWHERE}:
            raise SimulationError(
                f"{solid.where}: {mesh.name!r} has no region {solid.region!r}; it has {', '.join(sorted(present))}. "
                f"Say which is meant: 'places={{{solid.region}: {min(present)}}}'"
            )
    places: list[Support | Push] = [*model.supports, *model.loads]
    for place in places:
        if place.on not in mesh.facet_names.values():
            there = ", ".join(mesh.facet_names.values()) or "none"
            meant = next(iter(mesh.facet_names.values()), MEMBRANE)
            raise SimulationError(
                f"{place.where}: {mesh.name!r} has no facets {place.on!r}; it has {there}. "
                f"Say which are meant: 'places={{{place.on}: {meant}}}'"
            )


def _follow(mesh: TetMesh, model: MechanicsModel, fractions: Floats) -> list[Any]:
    """The `ElasticSolution` at each fraction of displacements and loads."""
    from cellml.sim.mechanics.conditions import Displacement, Pressure, Traction
    from cellml.sim.mechanics.linear import solve_elastic
    from cellml.sim.mechanics.newton import load_path
    from cellml.sim.mechanics.problem import pose

    supports = [Displacement(support.on, support.value) for support in model.supports]
    loads = [
        Traction(push.on, push.traction) if push.traction is not None else Pressure(push.on, float(push.pressure or 0.0))
        for push in model.loads
    ]
    if model.law == "linear":
        whole = solve_elastic(mesh, materials_of(mesh, model), displacements=supports, loads=loads, order=model.order)
        return [_scaled(whole, float(f)) for f in fractions]
    return list(load_path(pose(mesh, materials_of(mesh, model), supports, loads, model.order, None), [float(f) for f in fractions]))


def materials_of(mesh: TetMesh, model: MechanicsModel) -> Any:
    """The material of each region of a mesh, those that the model does not name as EVERYWHERE says."""
    from cellml.sim.mechanics.material import Elastic

    named = {solid.region: Elastic(solid.young.base, solid.poisson.base) for solid in model.solids}
    if set(named) == {EVERYWHERE}:
        return named[EVERYWHERE]
    present = [mesh.region_names.get(int(n), str(int(n))) for n in np.unique(mesh.regions)]
    return {region: named[region if region in named else EVERYWHERE] for region in present if region in named or EVERYWHERE in named}


def _scaled(whole: Any, by: float) -> Any:
    """A linear solution at a share of its loads."""
    return replace(
        whole,
        nodal=by * whole.nodal,
        strain=by * whole.strain,
        stress=by * whole.stress,
        energy=by**2 * whole.energy,
        reactions={name: by * force for name, force in whole.reactions.items()},
        loads={name: by * force for name, force in whole.loads.items()},
    )


def _measured(mesh: TetMesh, model: MechanicsModel, path: list[Any]) -> dict[str, Floats]:
    """Each observable along the path, (S,), in coherent units: pN, pN·µm, Pa, µm."""
    return {r.name: np.array([_value(r, solution) for solution in path]) for r in model.observables}


def _value(request: MechanicsRequest, solution: Any) -> float:
    match request.type:
        case "energy":
            return float(solution.energy)
        case "max_von_mises":
            return float(solution.von_mises().max())
        case "max_displacement":
            return float(np.linalg.norm(solution.nodal, axis=1).max())
    force = float(solution.reactions[request.on][AXES.index(request.axis)])
    return force / solution.space.facets(request.on).area if request.type == "stress_strain" else force


def _observable(request: MechanicsRequest, mesh: TetMesh, model: MechanicsModel, value: float, rough: float) -> Observable:
    """At full load; of stress_strain the secant modulus, stress over strain."""
    by = _strain(mesh, model, request) if request.type == "stress_strain" else 1.0
    here, there = (float(_in_unit(np.array(v / by), request)) for v in (value, rough))
    return Observable(request.name, here, request.unit, abs(here - there))


def _strain(mesh: TetMesh, model: MechanicsModel, request: MechanicsRequest) -> float:
    """Engineering strain at full load: displacement over the extent of the mesh along the axis."""
    axis = AXES.index(request.axis)
    moved = [support.value[axis] for support in model.supports if support.on == request.on and support.value[axis] is not None]
    used = np.unique(mesh.tets)
    return float(moved[-1] or 0.0) / (float(np.ptp(mesh.points[used, axis])) / 1000.0)


def _in_unit(values: Floats, request: MechanicsRequest) -> Floats:
    return np.asarray(values) * Quantity(1.0, MECHANICS_TYPES[request.type].unit).to(request.unit) / _COHERENT[request.type]


# What one usual unit is in coherent units: lengths in nm are counted in µm.
_COHERENT = {key: Quantity(1.0, described.unit).base for key, described in MECHANICS_TYPES.items()}
