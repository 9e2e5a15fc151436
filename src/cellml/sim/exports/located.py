"""A model on a mesh, with every place as numbers of regions and of facet tags: what all exports start from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.io.mesh_functions import facet_function, find_facets
from cellml.meshing.topology import facet_pairs
from cellml.sim.domain import Domain
from cellml.sim.ends import AUTOMATIC, PLANES
from cellml.sim.engine.system import System, build_system
from cellml.sim.errors import SimulationError
from cellml.sim.expression import Expression
from cellml.sim.model import DIFFUSION_TIME, EVERYWHERE, Model
from cellml.sim.outer_membrane import facet_sets_of, with_outer_membrane
from cellml.sim.placement import NoPlaceError
from cellml.types import TetMesh

OUTSIDE = 0  # the region number of what is not meshed


@dataclass(frozen=True, eq=False)
class Located:
    """A model that fits its mesh.

    mesh: in nm; where the model names an automatic choice (largest_cut, farthest_cut), its facets have a tag of their own; values: of the
    parameters, in coherent units (µm, s, molecule, mg, K).
    """

    mesh: TetMesh
    model: Model
    system: System
    values: Mapping[str, float]
    automatic: Mapping[str, tuple[int, ...]]

    def regions(self, compartment: str) -> tuple[int, ...]:
        """Region numbers of a compartment."""
        wanted = self.model.compartments[compartment].regions
        present = np.unique(self.mesh.regions).tolist()
        return tuple(n for n in present if wanted == (EVERYWHERE,) or self.mesh.region_names.get(n, str(n)) in wanted)

    def tags(self, place: str) -> tuple[int, ...]:
        """Facet tags of a membrane, a facet set or an automatic choice."""
        if place in self.model.membranes:
            return tuple(sorted({tag for name in self.model.membranes[place].facets for tag in self._set(name)}))
        return self._set(place)

    def _set(self, place: str) -> tuple[int, ...]:
        if place in self.automatic:
            return self.automatic[place]
        own = {tag for tags in self.automatic.values() for tag in tags}
        names = {n: self.mesh.facet_names.get(n, str(n)) for n in np.unique(self.mesh.facet_tags).tolist()}
        return tuple(n for n, name in names.items() if name == place or (n in own and name.rpartition("/")[0] == place))

    @cached_property
    def cut_tags(self) -> tuple[int, ...]:
        """Tags of the faces where the image cuts the object and that no membrane claims."""
        claimed = {tag for membrane in self.model.membranes for tag in self.tags(membrane)}
        return tuple(sorted({tag for plane in PLANES for tag in self.tags(plane)} - claimed))

    @cached_property
    def end(self) -> float:
        """End of the run in s. Raises SimulationError for a model without `time`."""
        time = self.model.time
        if time is None:
            path = f"{self.model.path}: " if self.model.path else ""
            raise SimulationError(f"{path}this export follows the model in time, so it needs `time: {{end: …}}`.")
        return time.end.value * self.diffusion_time if time.end.unit == DIFFUSION_TIME else time.end.to("s")

    @cached_property
    def diffusion_time(self) -> float:
        """L²/D of the shape and the fastest bulk species, in s; 1 s where nothing diffuses in bulk."""
        fastest = max((self.diffusion(name) for name, s in self.model.species.items() if s.bulk), default=0.0)
        return float(Domain(self.mesh).extent() ** 2 / fastest) if fastest > 0 else 1.0

    def diffusion(self, species: str) -> float:
        """Diffusion coefficient in µm²/s."""
        return self.number(self.model.species[species].D)

    def number(self, formula: Expression) -> float:
        """The value of a formula of parameters, in coherent units."""
        return float(formula.evaluate(self.values))

    def is_number(self, formula: Expression) -> bool:
        """Whether a formula has parameters only."""
        return formula.names <= set(self.values)

    def size(self, place: str) -> float:
        """Volume in µm³ of a compartment, or area in µm² of a membrane."""
        return self.system.spaces[place].measure

    def sides(self, tags: Iterable[int]) -> NDArray[np.int64]:
        """Regions on both sides of facets with these tags, each pair once, (S, 2): the lower number first, OUTSIDE for what is not meshed.

        Region numbers are at least 1 then (`locate` sees to it).
        """
        chosen = self.mesh.facets[np.isin(self.mesh.facet_tags, list(tags))]
        pairs = facet_pairs(self.mesh.tets)
        row = find_facets(chosen, pairs.facets)
        second = np.where(pairs.second[row] < 0, OUTSIDE, self.mesh.regions[pairs.second[row]])
        return np.unique(np.sort(np.column_stack([self.mesh.regions[pairs.first[row]], second]), axis=1), axis=0)

    def compartment_of(self, region: int) -> str | None:
        """The compartment in which species live and that holds a region; None for the outside and for regions without species."""
        homes = {s.place for s in self.model.species.values() if s.bulk} | {r.place for r in self.model.reactions}
        found = [name for name in self.model.compartments if name in homes and region in self.regions(name)]
        return found[0] if found else None


def locate(mesh: TetMesh, model: Model) -> Located:
    """Match a model with a mesh.

    Raises SimulationError, opening with file and line of the model, for a place that the mesh lacks, a reaction whose species do not meet
    and an automatic choice without an answer, and CellmlError for facets with two tags or tags and regions below 1.
    """
    if mesh.regions.min() < 1:
        raise CellmlError(f"{mesh.name!r} has the region number {mesh.regions.min()}; exports need numbers from 1, for 0 is the outside.")
    mesh = with_outer_membrane(mesh, facet_sets_of(model))
    facet_function(mesh)
    system = build_system(mesh, model)
    named = [(f, m.where) for m in model.membranes.values() for f in m.facets]
    named += [(f.on, f.where) for f in model.fixed] + [(r.at, r.where) for r in model.releases if isinstance(r.at, str)]
    automatic: dict[str, tuple[int, ...]] = {}
    for name, where in dict(named).items():
        if name in AUTOMATIC:
            try:
                mesh = _tagged(mesh, name, system.places.facets(name, where), automatic)
            except NoPlaceError as missing:
                raise SimulationError(f"{where}: {name} has no answer here: {missing.reason}.") from None
    return Located(mesh, model, system, model.values(), automatic)


def _tagged(mesh: TetMesh, name: str, facets: NDArray[np.int64], automatic: dict[str, tuple[int, ...]]) -> TetMesh:
    """The mesh with tags of their own for the facets of an automatic choice, named after set and choice: "cut_z0/largest_cut"."""
    chosen = find_facets(mesh.facets, facets) >= 0
    tags, names, mine = mesh.facet_tags.copy(), dict(mesh.facet_names), []
    for old in np.unique(tags[chosen]).tolist():
        new = max(int(tags.max()), *names) + 1
        tags[chosen & (tags == old)] = new
        names[new] = f"{names.get(old, old)}/{name}"
        mine.append(new)
    automatic[name] = tuple(mine)
    return replace(mesh, facet_tags=tags, facet_names=names)
