"""What happens to single particles: the channels of a model sorted by where they act, and walls that hold a concentration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cellml.sim.errors import SimulationError
from cellml.sim.expression import Expression
from cellml.sim.expression import number as constant
from cellml.sim.particles.anatomy import Anatomy, cut_triangles
from cellml.sim.particles.cells import Floats
from cellml.sim.particles.kinetics import Channel, channels
from cellml.sim.particles.tracing import Bools


@dataclass(frozen=True, eq=False)
class HeldWall:
    """Triangles (F,) at which the concentration of a bulk species is held: a formula of parameters, t, x, y, z."""

    species: str
    triangles: Bools
    value: Expression


@dataclass(frozen=True, eq=False)
class Rules:
    """sources: channels without reactants; within: of one molecule where it lives; at_walls: of one bulk molecule at a membrane; held."""

    anatomy: Anatomy
    sources: tuple[Channel, ...]
    within: Mapping[str, tuple[Channel, ...]]
    at_walls: Mapping[str, tuple[Channel, ...]]
    held: tuple[HeldWall, ...]

    def others(self, t: float) -> dict[str, float]:
        """Parameters, time and stimuli."""
        return self.anatomy.system.others(self.anatomy.system.model.values(), t)


def rules_of(anatomy: Anatomy) -> Rules:
    """The rules of a model. Raises SimulationError, with file and line, for reactions of more than one molecule."""
    model = anatomy.system.model
    sources, within, at_walls = [], {name: [] for name in model.species}, {name: [] for name in model.species}  # type: ignore[var-annotated]
    for channel in channels(model):
        if channel.order > 1:
            raise SimulationError(
                f"{channel.where}: {channel.name!r} needs {channel.order} molecules to meet, which single particles do not do here; use "
                "method=stochastic (the reaction–diffusion master equation)."
            )
        if channel.order == 0:
            sources.append(channel)
            continue
        species = next(iter(channel.reactants))
        hits = model.species[species].bulk and channel.place in anatomy.on
        if hits and anatomy.system.diffusion_coefficients(model.values())[species] == 0:
            raise SimulationError(f"{channel.where}: {species} does not diffuse (D = 0): no particle of it ever hits {channel.place}.")
        (at_walls if hits else within)[species].append(channel)
    fixed = {name: tuple(found) for name, found in within.items()}, {name: tuple(found) for name, found in at_walls.items()}
    return Rules(anatomy, tuple(sources), *fixed, _held(anatomy))


def _held(anatomy: Anatomy) -> tuple[HeldWall, ...]:
    """Held walls; where two meet, the later one of the model holds."""
    model, found = anatomy.system.model, []
    if model.cut != "sealed":
        cut = cut_triangles(anatomy)
        for name, species in model.species.items():
            if species.bulk:
                found.append(HeldWall(name, cut, species.initial if model.cut == "fixed" else constant(0.0)))
    for fixed in model.fixed:
        triangles = anatomy.among(anatomy.system.places.facets(fixed.on, fixed.where))
        found = [HeldWall(w.species, w.triangles & ~triangles, w.value) if w.species == fixed.species else w for w in found]
        found.append(HeldWall(fixed.species, triangles, fixed.value))
    return tuple(found)


def at_points(values: Mapping[str, Any], x: Floats) -> dict[str, Any]:
    """Values of names with the coordinates of points (N, 3) in µm."""
    return {**values, "x": x[:, 0], "y": x[:, 1], "z": x[:, 2]}
