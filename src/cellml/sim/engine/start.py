"""The state at time 0, looked at before anything is solved."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cellml.sim.engine.conditions import Conditions
from cellml.sim.engine.system import System, Vector
from cellml.sim.errors import SimulationError

# Share of the largest value of a species that a concentration may lie below zero, as round-off of a formula.
_ROUND_OFF = 1e-12
FASTEST = 1e10  # µm²/s; a hundred times hydrogen gas


def sound_initial(system: System, values: Mapping[str, float]) -> Vector:
    """The concentrations at time 0, (N,). Raises SimulationError, with file and line, where one is negative or no finite number, and for a
    species that diffuses faster than anything does.
    """
    for name, D in system.diffusion_coefficients(values).items():
        if D > FASTEST:
            raise SimulationError(
                f"{_prefix(_where(system, name))}D of {name} is {D:.3g} µm²/s; nothing diffuses so fast (hydrogen gas in air: 7.6e7 µm²/s, "
                f"a small molecule in water: about 1000), and beyond {FASTEST:g} round-off spoils the answer. Look at its unit."
            )
    y = system.initial(values)
    for name, part in system.slices.items():
        _require_concentration(y[part], system.space_of(name).coordinates, f"the initial concentration of {name}", _where(system, name))
    return y


def sound_start(system: System, held: Conditions, values: Mapping[str, float]) -> Vector:
    """The same, (N,), where values that are held and the rates of all reactions at time 0 are sound too. Raises SimulationError."""
    y, others = sound_initial(system, values), system.others(values, 0.0)
    for each in held.held:
        _require_concentration(each.at(others), each.coordinates, f"the value that {each.species} is held at", each.where)
    imposed = held.impose(y, 0.0, values)
    for term in system.terms:
        _require_finite(
            term.rate(imposed, others), term.space.coordinates, f"the rate of {term.reaction.name} at time 0", term.reaction.where
        )
    return y


def _where(system: System, species: str) -> str:
    return system.model.species[species].where


def _require_concentration(found: Vector, at: NDArray[np.float64], what: str, where: str) -> None:
    _require_finite(found, at, what, where)
    low = int(found.argmin()) if len(found) else 0
    if len(found) and found[low] < -_ROUND_OFF * np.abs(found).max():
        raise SimulationError(
            f"{_prefix(where)}{what} is negative at {int((found < 0).sum())} of {len(found)} points, the lowest {found[low]:.4g} molecules "
            f"per µm³ or µm² at {_point(at[low])}. Concentrations cannot be negative: change its formula, or cut it off with max(…, 0)."
        )


def _require_finite(found: Vector, at: NDArray[np.float64], what: str, where: str) -> None:
    bad = np.flatnonzero(~np.isfinite(found))
    if len(bad):
        raise SimulationError(
            f"{_prefix(where)}{what} is {found[bad[0]]}, no finite number, at {len(bad)} of {len(found)} points, the first at "
            f"{_point(at[bad[0]])}. Look for a division by zero, or a logarithm or root of what is not positive there."
        )


def _prefix(where: str) -> str:
    return f"{where}: " if where else ""


def _point(x: NDArray[np.float64]) -> str:
    return "x = {:.4g}, y = {:.4g}, z = {:.4g} µm".format(*x)
