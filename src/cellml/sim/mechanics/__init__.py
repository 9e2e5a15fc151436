"""Elasticity on the meshes of cells: Hooke's law and neo-Hookean, elements of order 1 and 2, straight or curved.

Lengths are µm, stresses Pa (= pN/µm²), forces pN, energies pN·µm.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "Displacement": "cellml.sim.mechanics.conditions",
    "Elastic": "cellml.sim.mechanics.material",
    "ElasticSolution": "cellml.sim.mechanics.solution",
    "LoadStepError": "cellml.sim.mechanics.newton",
    "Pressure": "cellml.sim.mechanics.conditions",
    "Space": "cellml.sim.mechanics.space",
    "StressStrain": "cellml.sim.mechanics.curve",
    "Traction": "cellml.sim.mechanics.conditions",
    "keep_regions": "cellml.sim.mechanics.part",
    "onto_cylinder": "cellml.sim.mechanics.curving",
    "onto_level": "cellml.sim.mechanics.curving",
    "onto_sphere": "cellml.sim.mechanics.curving",
    "solve_elastic": "cellml.sim.mechanics.linear",
    "solve_neo_hookean": "cellml.sim.mechanics.newton",
    "stress_strain": "cellml.sim.mechanics.curve",
}

if TYPE_CHECKING:
    from cellml.sim.mechanics.conditions import Displacement, Pressure, Traction
    from cellml.sim.mechanics.curve import StressStrain, stress_strain
    from cellml.sim.mechanics.curving import onto_cylinder, onto_level, onto_sphere
    from cellml.sim.mechanics.linear import solve_elastic
    from cellml.sim.mechanics.material import Elastic
    from cellml.sim.mechanics.newton import LoadStepError, solve_neo_hookean
    from cellml.sim.mechanics.part import keep_regions
    from cellml.sim.mechanics.solution import ElasticSolution
    from cellml.sim.mechanics.space import Space

__all__ = [
    "Displacement",
    "Elastic",
    "ElasticSolution",
    "LoadStepError",
    "Pressure",
    "Space",
    "StressStrain",
    "Traction",
    "keep_regions",
    "onto_cylinder",
    "onto_level",
    "onto_sphere",
    "solve_elastic",
    "solve_neo_hookean",
    "stress_strain",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'cellml.sim.mechanics' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
