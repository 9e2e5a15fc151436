"""Creeping flow, what it carries, and heat, on the meshes of cells.

Lengths are µm, times s, pressures Pa (= pN/µm²), forces pN, temperatures K.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "Convection": "cellml.sim.flow.heat",
    "Flow": "cellml.sim.flow.stokes",
    "HeatFlux": "cellml.sim.flow.heat",
    "Opening": "cellml.sim.flow.conditions",
    "Temperature": "cellml.sim.flow.heat",
    "TemperatureField": "cellml.sim.flow.heat",
    "TemperatureHistory": "cellml.sim.flow.cooling",
    "Traction": "cellml.sim.flow.conditions",
    "Velocity": "cellml.sim.flow.conditions",
    "advection_matrix": "cellml.sim.flow.advection",
    "heat_in_time": "cellml.sim.flow.cooling",
    "inflow_load": "cellml.sim.flow.advection",
    "peclet_number": "cellml.sim.flow.advection",
    "solve_heat": "cellml.sim.flow.heat",
    "solve_stokes": "cellml.sim.flow.stokes",
}

if TYPE_CHECKING:
    from cellml.sim.flow.advection import advection_matrix, inflow_load, peclet_number
    from cellml.sim.flow.conditions import Opening, Traction, Velocity
    from cellml.sim.flow.cooling import TemperatureHistory, heat_in_time
    from cellml.sim.flow.heat import Convection, HeatFlux, Temperature, TemperatureField, solve_heat
    from cellml.sim.flow.stokes import Flow, solve_stokes

__all__ = [
    "Convection",
    "Flow",
    "HeatFlux",
    "Opening",
    "Temperature",
    "TemperatureField",
    "TemperatureHistory",
    "Traction",
    "Velocity",
    "advection_matrix",
    "heat_in_time",
    "inflow_load",
    "peclet_number",
    "solve_heat",
    "solve_stokes",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'cellml.sim.flow' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
