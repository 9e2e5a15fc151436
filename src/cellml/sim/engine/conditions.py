"""Unknowns whose concentration is held: fixed membranes and cut faces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cellml.sim.engine.system import System, Vector
from cellml.sim.errors import SimulationError
from cellml.sim.expression import Expression
from cellml.sim.expression import number as constant


@dataclass(frozen=True, eq=False)
class Held:
    """Unknowns (H,) of a species that follow a formula of parameters, t, x, y, z. coordinates: (H, 3) in µm; where: file and line."""

    unknowns: NDArray[np.int64]
    value: Expression
    coordinates: NDArray[np.float64]
    species: str = ""
    where: str = ""

    def at(self, others: Mapping[str, float]) -> Vector:
        """The values, (H,). others: parameters, time and stimuli; what is no number is for the caller to find."""
        x = self.coordinates
        with np.errstate(all="ignore"):
            found = self.value.evaluate({**others, "x": x[:, 0], "y": x[:, 1], "z": x[:, 2]})
        return np.broadcast_to(np.asarray(found, dtype=float), (len(x),))


@dataclass(frozen=True, eq=False)
class Conditions:
    """All held unknowns of a system; where two formulas meet, the later one of the model holds."""

    system: System
    held: tuple[Held, ...]

    @cached_property
    def free(self) -> NDArray[np.int64]:
        """The unknowns that are solved for."""
        taken = np.zeros(self.system.size, bool)
        for each in self.held:
            taken[each.unknowns] = True
        return np.flatnonzero(~taken)

    def impose(self, y: Vector, t: float, values: Mapping[str, float]) -> Vector:
        """The state with the held values put in."""
        if not self.held:
            return y
        y, others = y.copy(), self.system.others(values, t)
        for each in self.held:
            y[each.unknowns] = each.at(others)
        return y


def conditions(system: System) -> Conditions:
    """The held unknowns that the model asks for: its `cut` rule first, of all bulk species that diffuse (others stay where they are, at a
    cut face too), then `fixed`.
    """
    model, held = system.model, []
    if model.cut != "sealed":
        points, D = system.places.cut_points(), system.diffusion_coefficients(model.values())
        for name, species in model.species.items():
            if species.bulk and D[name] > 0:
                held.append(_held(system, name, points, species.initial if model.cut == "fixed" else constant(0.0), species.where))
    for fixed in model.fixed:
        points = np.unique(system.places.facets(fixed.on, fixed.where))
        each = _held(system, fixed.species, points, fixed.value, fixed.where)
        if not len(each.unknowns):
            home = model.species[fixed.species].place
            raise SimulationError(f"{fixed.where}: {fixed.species} lives in {home}, which {fixed.on} does not touch.")
        held.append(each)
    return Conditions(system, tuple(held))


def _held(system: System, species: str, points: NDArray[np.int64], value: Expression, where: str) -> Held:
    space = system.space_of(species)
    local = space.local(points)
    local = local[local >= 0]
    return Held(local + system.slices[species].start, value, space.coordinates[local], species, where)
