"""The numbers that say beforehand how a model behaves on a mesh."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cellml.sim.derivative import derivative
from cellml.sim.domain import Domain
from cellml.sim.dynamics import diffusion_time
from cellml.sim.engine.system import System, build_system
from cellml.sim.model import Model
from cellml.types import TetMesh

FEW_COPIES = 100


def scales(mesh: TetMesh, model: Model) -> list[str]:
    """Lines for the terminal: size, times L²/D, Damköhler and Thiele numbers, copy numbers, suggested step, sources of all constants.

    For a first-order rate constant k (the slope of a rate by a reactant at the initial state), Da = k L²/D compares reaction with diffusion
    across the whole shape, and the Thiele number φ = √(k ℓ²/D) with ℓ = V/A across its thickness; on a membrane k is a velocity and
    Da = k L/D, φ = √(k ℓ/D). Raises SimulationError for a model that does not fit the mesh.
    """
    domain, system = Domain(mesh), build_system(mesh, model)
    L, tau = domain.extent(), diffusion_time(mesh, model)
    lines = [f"{mesh.name}: {len(mesh.tets)} tetrahedra, {system.size} unknowns, {domain.volume:.4g} µm³, longest axis L = {L:.4g} µm"]
    D = system.diffusion_coefficients(model.values())
    lines += [f"{name}: D = {D[name]:.4g} µm²/s, diffusion time L²/D = {L * L / D[name]:.4g} s" for name in D if D[name] > 0]
    fastest = np.inf
    for text, rate in _reaction_numbers(system, L, D):
        lines.append(text)
        fastest = min(fastest, 1 / rate) if rate > 0 else fastest
    step = min(tau / 1000, fastest / 10)
    lines.append(f"a time step of {step:.2g} s resolves diffusion across the shape and the fastest reaction")
    lines += _copies(system)
    lines += [f"{p.name} = {p.quantity} ({p.quantity.source or 'no source'})" for p in model.parameters.values()]
    if model.temperature is not None:
        lines.append(f"temperature {model.temperature} ({model.temperature.source or 'no source'})")
    return lines


def _reaction_numbers(system: System, L: float, D: dict[str, float]) -> Iterator[tuple[str, float]]:
    """A line for each reaction and reactant that diffuses, and the rate constant in 1/s (on a membrane, over V/A)."""
    values = system.model.values()
    y, others = system.initial(values), system.others(values, 0.0)
    for term in system.terms:
        for name in term.reaction.reactants:
            if name not in term.inputs() or not system.model.species[name].bulk or D[name] <= 0:
                continue
            k = float(np.abs(term.at_nodes(derivative(term.reaction.rate, name), y, others)).max())
            space = system.space_of(name)
            if term.space.bulk:
                thickness = space.measure / _boundary_area(system, name)
                number, rate, phi = k * L * L / D[name], k, np.sqrt(k * thickness**2 / D[name])
            else:
                thickness = space.measure / term.space.measure
                number, rate, phi = k * L / D[name], k / thickness, np.sqrt(k * thickness / D[name])
            text = f"{term.reaction.name} of {name}: Damköhler number {number:.3g}, Thiele number {phi:.3g} (V/A = {thickness:.3g} µm)"
            yield text, rate


def _boundary_area(system: System, species: str) -> float:
    from cellml.meshing.topology import boundary_facets
    from cellml.sim.engine.space import cell_sizes

    space = system.space_of(species)
    return float(cell_sizes(space.points, boundary_facets(space.corners)).sum())


def _copies(system: System) -> list[str]:
    """Copy numbers at the beginning, and a warning where there are too few for concentrations to mean anything."""
    lines, amounts = [], system.amounts(system.initial(system.model.values()))
    for name, count in amounts.items():
        few = 0 < count < FEW_COPIES
        warning = f" — fewer than {FEW_COPIES}: chance matters, use method=stochastic or method=particles" if few else ""
        lines.append(f"{name}: {count:.4g} molecules at the beginning{warning}")
    return lines
