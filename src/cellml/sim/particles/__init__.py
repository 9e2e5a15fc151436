"""Single molecules: Brownian dynamics and the reaction–diffusion master equation on the mesh and model file of the finite elements."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "FirstPassage": "cellml.sim.particles.passage",
    "ParticleRun": "cellml.sim.particles.brownian",
    "StochasticRun": "cellml.sim.particles.rdme",
    "copy_numbers": "cellml.sim.particles.copies",
    "extrapolated": "cellml.sim.particles.passage",
    "few_copies": "cellml.sim.particles.copies",
    "first_passage_times": "cellml.sim.particles.passage",
    "simulate_particles": "cellml.sim.particles.brownian",
    "simulate_rdme": "cellml.sim.particles.rdme",
}

if TYPE_CHECKING:
    from cellml.sim.particles.brownian import ParticleRun, simulate_particles
    from cellml.sim.particles.copies import copy_numbers, few_copies
    from cellml.sim.particles.passage import FirstPassage, extrapolated, first_passage_times
    from cellml.sim.particles.rdme import StochasticRun, simulate_rdme

__all__ = [
    "FirstPassage",
    "ParticleRun",
    "StochasticRun",
    "copy_numbers",
    "extrapolated",
    "few_copies",
    "first_passage_times",
    "simulate_particles",
    "simulate_rdme",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'cellml.sim.particles' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
