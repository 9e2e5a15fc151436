"""The numbers that say beforehand how a model behaves on a mesh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cellml.sim.derivative import derivative
from cellml.sim.dynamics import diffusion_time, plan_of
from cellml.sim.engine.reaction_term import ReactionTerm
from cellml.sim.engine.space import Space, cell_sizes
from cellml.sim.engine.start import sound_initial
from cellml.sim.engine.system import System, build_system
from cellml.sim.immobile import immobile_at_membranes
from cellml.sim.model import Model
from cellml.types import TetMesh

FEW_COPIES = 100
SMALLEST_NM = 10.0  # a shape below is read in the wrong unit: synaptic vesicles have 40 nm
# A step should be at most this share of the fastest time; diffusion across the shape wants a thousandth of L²/D.
_SHARE, _DIFFUSION_SHARE = 0.1, 1e-3


@dataclass(frozen=True)
class SpeciesScale:
    """A species: its place, D in µm²/s, L²/D in s (NaN if it does not diffuse), and its molecules at the beginning and released then."""

    name: str
    place: str
    D: float
    diffusion_time: float
    copies: float
    released: float


@dataclass(frozen=True)
class ReactionScale:
    """What a reaction does to one of its reactants at the beginning.

    time: 1/rate constant in s; damkohler, thiele: NaN if the reactant does not diffuse; thickness: V/A (of the compartment, on a membrane
    of the compartment over that membrane) in µm, NaN of a reactant on a membrane.
    """

    reaction: str
    of: str
    time: float
    damkohler: float = float("nan")
    thiele: float = float("nan")
    thickness: float = float("nan")


@dataclass(frozen=True)
class Scales:
    """All of it.

    unknowns: of the discrete system; volume: in µm³; length: longest axis in µm; step: suggested, in s; warnings: sentences.
    """

    mesh: TetMesh
    model: Model
    unknowns: int
    volume: float
    length: float
    step: float
    species: tuple[SpeciesScale, ...]
    reactions: tuple[ReactionScale, ...]
    warnings: tuple[str, ...] = field(default_factory=tuple)


def scales(mesh: TetMesh, model: Model) -> Scales:
    """Times, Damköhler and Thiele numbers, copy numbers and a time step, before anything is solved.

    For a first-order rate constant k (the slope of a rate by a reactant, at the beginning with all releases spread out evenly), Da = k L²/D
    compares reaction with diffusion across the compartment (L its longest axis), and the Thiele number φ = √(k ℓ²/D) with ℓ = V/A across
    its thickness; on a membrane k is a velocity, Da = k L/D and φ = √(k ℓ/D) with ℓ the volume over the area of that membrane, and k/ℓ the
    rate in 1/s (Aris, The Mathematical Theory of Diffusion and Reaction, 1975).

    Raises SimulationError for a model that does not fit the mesh, NoPlaceError for a membrane at an automatic choice without an answer.
    """
    system, values = build_system(mesh, model), model.values()
    y, released = sound_initial(system, values), dict.fromkeys(system.slices, 0.0)
    copies = system.amounts(y)
    for release in model.releases:
        released[release.species] += float(release.amount.evaluate(values))
    for name, part in system.slices.items():
        y[part] += released[name] / system.space_of(name).measure
    D = system.diffusion_coefficients(values)
    lengths = {name: _extent(space) for name, space in system.spaces.items()}
    species = tuple(
        SpeciesScale(name, s.place, D[name], lengths[s.place] ** 2 / D[name] if D[name] > 0 else np.nan, copies[name], released[name])
        for name, s in model.species.items()
    )
    reactions = tuple(_reactions(system, lengths, D, y))
    slowest = min((s.diffusion_time for s in species if s.D > 0), default=np.inf)
    fastest = min((r.time for r in reactions), default=np.inf)
    step = min(slowest * _DIFFUSION_SHARE, fastest * _SHARE)
    volume = float(np.sum(cell_sizes(system.places.points, mesh.tets)))
    length = _extent(Space(system.places.points, mesh.tets))
    doubts = (*_size_warnings(mesh, length), *_copy_warnings(species), *immobile_at_membranes(model))
    warnings = (*doubts, *_step_warnings(mesh, model, fastest))
    return Scales(mesh, model, system.size, volume, length, step, species, reactions, warnings)


def _extent(space: Space) -> float:
    """Length of a compartment or membrane along its longest principal axis, in µm."""
    centred = space.coordinates - space.coordinates.mean(axis=0)
    return float(np.ptp(centred @ np.linalg.eigh(centred.T @ centred)[1][:, -1]))


def _reactions(system: System, lengths: dict[str, float], D: dict[str, float], y: NDArray[np.float64]) -> Iterator[ReactionScale]:
    for term in system.terms:
        for name in term.reaction.reactants or term.inputs():
            if name in term.inputs() and (k := _constant(system, term, name, y)) > 0:
                yield _reaction(system, term, name, k, lengths[system.model.species[name].place], D[name])


def _constant(system: System, term: ReactionTerm, name: str, y: NDArray[np.float64]) -> float:
    """The largest slope of a rate by a species at the beginning: 1/s, on a membrane by a bulk species µm/s; 0 where it has none."""
    with np.errstate(all="ignore"):
        slopes = np.abs(term.at_nodes(derivative(term.reaction.rate, name), y, system.others(system.model.values(), 0.0)))
    return float(slopes[np.isfinite(slopes)].max(initial=0.0))


def _reaction(system: System, term: ReactionTerm, name: str, k: float, L: float, D: float) -> ReactionScale:
    space, inverse = system.space_of(name), 1.0 / D if D > 0 else np.nan
    if not space.bulk:
        return ReactionScale(term.reaction.name, name, 1.0 / k, k * L * L * inverse)
    if term.space.bulk:
        thickness = space.measure / _boundary_area(space)
        return ReactionScale(term.reaction.name, name, 1.0 / k, k * L * L * inverse, np.sqrt(k * thickness**2 * inverse), thickness)
    thickness = space.measure / term.space.measure
    return ReactionScale(term.reaction.name, name, thickness / k, k * L * inverse, np.sqrt(k * thickness * inverse), thickness)


def _boundary_area(space: Space) -> float:
    from cellml.meshing.topology import boundary_facets

    return float(cell_sizes(space.points, boundary_facets(space.corners)).sum())


def _size_warnings(mesh: TetMesh, length: float) -> Iterator[str]:
    if 1000.0 * length < SMALLEST_NM:
        yield (
            f"{mesh.name} measures {1000.0 * length:.3g} nm along its longest axis, which is no size of a part of a cell; are its "
            "coordinates in µm? In Python, write_mesh(read_mesh(FILE, unit='µm'), NEW) makes a file in nm."
        )


def _copy_warnings(species: tuple[SpeciesScale, ...]) -> Iterator[str]:
    for s in species:
        if 0 < s.copies + s.released < FEW_COPIES:
            yield (
                f"{s.name}: {s.copies + s.released:.3g} molecules, fewer than {FEW_COPIES}; chance matters, so that concentrations are "
                "means over many runs. method=stochastic follows the molecules."
            )


def _step_warnings(mesh: TetMesh, model: Model, fastest: float) -> Iterator[str]:
    """A word where the model's own step passes over its fastest reaction; steps that adapt find it by themselves."""
    if model.time is None or model.time.tolerance is not None:
        return
    plan = plan_of(model, diffusion_time(mesh, model))
    step = plan.end / plan.steps
    if step > _SHARE * fastest * (1 + 1e-9):
        yield (
            f"The time step of {step:.3g} s is longer than a tenth of the fastest reaction time, {fastest:.3g} s; "
            f"steps={int(np.ceil(plan.end / (_SHARE * fastest) * (1 - 1e-9)))} resolves it, or `tolerance: 1e-3` under `time:`."
        )
