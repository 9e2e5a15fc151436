"""A model on a mesh as a system of ordinary differential equations.

    M ẏ = −A y + Σ_r ν_r M_r ρ_r(y, t) + b δ(t),      y = g(t) on fixed unknowns

y holds the nodal concentrations of all species, one after the other (molecules per µm³ or µm²); M and A = D K are block-diagonal. A bulk
species has unknowns in its compartment only, so that concentrations jump across membranes; a membrane has unknowns of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.sim.ends import Places, automatic_places
from cellml.sim.engine.pattern import block_diagonal
from cellml.sim.engine.places import ModelPlaces
from cellml.sim.engine.reaction_term import ReactionTerm
from cellml.sim.engine.space import Space
from cellml.sim.errors import SimulationError
from cellml.sim.model import Model, Reaction, Stimulus
from cellml.sim.outer_membrane import facet_sets_of, with_outer_membrane
from cellml.types import TetMesh

Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class System:
    """The discrete equations of a model on a mesh; build it with `build_system`."""

    model: Model
    places: ModelPlaces
    spaces: Mapping[str, Space]
    slices: Mapping[str, slice]

    @property
    def size(self) -> int:
        """Number of unknowns."""
        return max(s.stop for s in self.slices.values())

    def space_of(self, species: str) -> Space:
        """The P1 space of a species."""
        return self.spaces[self.model.species[species].place]

    @cached_property
    def mass(self) -> Any:
        """M, sparse (N, N)."""
        from scipy.sparse import diags_array

        if self.model.lumped:
            return diags_array(self.weights).tocsr()
        return block_diagonal([self.space_of(name).mass for name in self.slices])

    @cached_property
    def weights(self) -> Vector:
        """W = M 1, (N,): the volume or area that stands behind each unknown."""
        return np.concatenate([self.space_of(name).weights for name in self.slices])

    def transport(self, values: Mapping[str, float]) -> Any:
        """A = D K, sparse (N, N), for values of the parameters."""
        D = self.diffusion_coefficients(values)
        return block_diagonal([D[name] * self.space_of(name).stiffness for name in self.slices])

    def diffusion_coefficients(self, values: Mapping[str, float]) -> dict[str, float]:
        """D of each species in µm²/s."""
        return {name: float(self.model.species[name].D.evaluate(values)) for name in self.slices}

    @cached_property
    def terms(self) -> tuple[ReactionTerm, ...]:
        """The reactions."""
        return tuple(self._term(reaction) for reaction in self.model.reactions)

    def _term(self, reaction: Reaction) -> ReactionTerm:
        from scipy.sparse import diags_array

        space = self.spaces[reaction.place]
        mass = diags_array(space.weights).tocsr() if self.model.lumped else space.mass
        named = {*reaction.changes, *reaction.rate.names}
        unknowns = {name: self.unknowns_at(name, space, reaction.where, reaction.place) for name in self.slices if name in named}
        return ReactionTerm(reaction, space, mass, unknowns, reaction.changes)

    def unknowns_at(self, species: str, space: Space, where: str, place: str) -> NDArray[np.int64]:
        """The unknowns of a species at the nodes of a place; SimulationError if the species does not reach all of it."""
        local = self.space_of(species).local(space.nodes)
        missing = int((local < 0).sum())
        if missing:
            home = self.model.species[species].place
            raise SimulationError(
                f"{f'{where}: ' if where else ''}{species} lives in {home}, which does not reach {missing} of the {len(local)} points of "
                f"{place}; a reaction needs all of its species at every point of its place. Split {place} into the parts that touch {home}."
            )
        return local + self.slices[species].start

    def others(self, values: Mapping[str, float], t: float) -> dict[str, float]:
        """Parameters, time and stimuli: what formulas need besides species and place."""
        return {**values, "t": t, **{name: value_at(s, t) for name, s in self.model.stimuli.items()}}

    def source(self, y: Vector, t: float, values: Mapping[str, float]) -> Vector:
        """Σ_r ν_r M_r ρ_r(y, t), (N,)."""
        total, others = np.zeros(self.size), self.others(values, t)
        for term in self.terms:
            term.add_to(total, y, others)
        return total

    @cached_property
    def is_linear(self) -> bool:
        """Whether the Jacobian is the same at all states and times."""
        varying = {"t", *self.model.stimuli}
        return all(term.is_linear(varying) for term in self.terms)

    def initial(self, values: Mapping[str, float]) -> Vector:
        """The concentrations at time 0, (N,), without what is released then; what is no number is for the caller to find."""
        y = np.empty(self.size)
        for name, part in self.slices.items():
            x = self.space_of(name).coordinates
            with np.errstate(all="ignore"):
                y[part] = self.model.species[name].initial.evaluate({**values, "x": x[:, 0], "y": x[:, 1], "z": x[:, 2]})
        return y

    def field(self, species: str, y: Vector) -> Vector:
        """A species of a state (N,) at all points of the mesh (P,), NaN where it does not live."""
        everywhere = np.full(len(self.places.mesh.points), np.nan)
        everywhere[self.space_of(species).nodes] = y[self.slices[species]]
        return everywhere

    def amounts(self, y: Vector) -> dict[str, float]:
        """Molecules of each species."""
        return {name: float(self.weights[part] @ y[part]) for name, part in self.slices.items()}


def build_system(mesh: TetMesh, model: Model, places: Places | None = None) -> System:
    """The equations of a model on a mesh. places: where the automatic choices are (by default, chosen on this mesh).

    `membrane` is the outer boundary where the mesh does not know the name (`cellml.sim.outer_membrane`). Raises SimulationError, opening
    with file and line of the model, for a region or a set of facets that the mesh lacks, and for a reaction whose species do not meet.
    """
    mesh = with_outer_membrane(mesh, facet_sets_of(model))
    located = ModelPlaces(mesh, model, automatic_places(mesh) if places is None else places)
    starts, slices = 0, {}
    for name, species in model.species.items():
        count = len(located.spaces[species.place].nodes)
        slices[name] = slice(starts, starts + count)
        starts += count
    system = System(model, located, located.spaces, slices)
    _ = system.terms
    return system


def value_at(stimulus: Stimulus, t: float) -> float:
    """A tabulated stimulus at a time: interpolated linearly or held since the last point; constant before the first and after the last."""
    if stimulus.steps:
        last = np.searchsorted(stimulus.times, t, side="right") - 1
        return stimulus.values[max(int(last), 0)]
    return float(np.interp(t, stimulus.times, stimulus.values))
