"""Simulation in the real shape of a cell: model files, finite elements on tetrahedra, observables with their discretisation error."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "Domain": "cellml.sim.domain",
    "Model": "cellml.sim.model",
    "Observable": "cellml.sim.observables",
    "Place": "cellml.sim.ends",
    "Places": "cellml.sim.ends",
    "SimulationError": "cellml.sim.errors",
    "Simulator": "cellml.sim.simulator",
    "Solution": "cellml.sim.solve",
    "automatic_places": "cellml.sim.ends",
    "copy_numbers": "cellml.sim.particles.copies",
    "end_patches": "cellml.sim.ends",
    "facets_at": "cellml.sim.ends",
    "find_model": "cellml.sim.shipped",
    "load_model": "cellml.sim.model_file",
    "overridden": "cellml.sim.overrides",
    "simulate_particles": "cellml.sim.particles.brownian",
    "simulate_rdme": "cellml.sim.particles.rdme",
    "solve_model": "cellml.sim.solve",
}

if TYPE_CHECKING:
    from cellml.sim.domain import Domain
    from cellml.sim.ends import Place, Places, automatic_places, end_patches, facets_at
    from cellml.sim.errors import SimulationError
    from cellml.sim.model import Model
    from cellml.sim.model_file import load_model
    from cellml.sim.observables import Observable
    from cellml.sim.overrides import overridden
    from cellml.sim.particles.brownian import simulate_particles
    from cellml.sim.particles.copies import copy_numbers
    from cellml.sim.particles.rdme import simulate_rdme
    from cellml.sim.shipped import find_model
    from cellml.sim.simulator import Simulator
    from cellml.sim.solve import Solution, solve_model

__all__ = [
    "Domain",
    "Model",
    "Observable",
    "Place",
    "Places",
    "SimulationError",
    "Simulator",
    "Solution",
    "automatic_places",
    "copy_numbers",
    "end_patches",
    "facets_at",
    "find_model",
    "load_model",
    "overridden",
    "simulate_particles",
    "simulate_rdme",
    "solve_model",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'cellml.sim' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
