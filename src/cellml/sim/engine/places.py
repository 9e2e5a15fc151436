"""The compartments and membranes of a model on a mesh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cellml.sim.domain import UM_PER_NM
from cellml.sim.ends import AUTOMATIC, PLANES, Places, facets_at
from cellml.sim.engine.space import Space
from cellml.sim.errors import SimulationError
from cellml.sim.model import EVERYWHERE, Compartment, Membrane, Model
from cellml.sim.outer_membrane import MEMBRANE
from cellml.sim.placement import NoPlaceError
from cellml.types import TetMesh


@dataclass(frozen=True, eq=False)
class ModelPlaces:
    """Spaces by the names of places in a model. automatic: where largest_cut and farthest_cut are."""

    mesh: TetMesh
    model: Model
    automatic: Places

    @cached_property
    def points(self) -> NDArray[np.float64]:
        """Points of the mesh in µm, (P, 3)."""
        return np.asarray(self.mesh.points * UM_PER_NM)

    @cached_property
    def spaces(self) -> Mapping[str, Space]:
        """The P1 space of each compartment and membrane that something lives or happens in."""
        used = {s.place for s in self.model.species.values()} | {r.place for r in self.model.reactions}
        found = {name: Space(self.points, self.mesh.tets[self.tets_of(c)]) for name, c in self.model.compartments.items() if name in used}
        return found | {name: Space(self.points, self._facets(m)) for name, m in self.model.membranes.items() if name in used}

    def tets_of(self, compartment: Compartment) -> NDArray[np.bool_]:
        """Which tetrahedra (T,) a compartment has. Raises SimulationError for a region that the mesh lacks."""
        if compartment.regions == (EVERYWHERE,):
            return np.ones(len(self.mesh.tets), bool)
        present = {self.mesh.region_names.get(int(n), str(int(n))): int(n) for n in np.unique(self.mesh.regions)}
        unknown = [name for name in compartment.regions if name not in present]
        if unknown:
            raise SimulationError(
                f"{_opening(compartment.where)}{self.mesh.name!r} has no region {unknown[0]!r} for the compartment {compartment.name!r}; "
                f"it has {', '.join(present)}. Say which is meant: 'places={{{compartment.name}: {next(iter(present))}}}', or in the model "
                f"file compartments: {{{compartment.name}: {{region: '{next(iter(present))}'}}}}"
            )
        return np.isin(self.mesh.regions, [present[name] for name in compartment.regions])

    def _facets(self, membrane: Membrane) -> NDArray[np.int64]:
        known = [*self.mesh.facet_names.values(), *AUTOMATIC]
        unknown = [name for name in membrane.facets if name not in known]
        if unknown:
            there = list(self.mesh.facet_names.values())
            example = next(iter(there), MEMBRANE)
            outer = "" if MEMBRANE in there else f"; {MEMBRANE} is the outer boundary without a name"
            raise SimulationError(
                f"{_opening(membrane.where)}{self.mesh.name!r} has no facets {unknown[0]!r} for the membrane {membrane.name!r}; it has "
                f"{', '.join(there) or 'none'}{outer}. Say which are meant: 'places={{{membrane.name}: {example}}}', or in the model file "
                f"membranes: {{{membrane.name}: {{facets: '{example}'}}}}"
            )
        return np.concatenate([self._facet_set(name, membrane.where) for name in membrane.facets])

    def facets(self, name: str, where: str = "") -> NDArray[np.int64]:
        """Facets (F, 3) of a membrane of the model, of a facet set of the mesh, or of an automatic choice.

        Raises SimulationError for a name that is none of these, and NoPlaceError for an automatic choice without an answer.
        """
        if name in self.model.membranes:
            return self._facets(self.model.membranes[name])
        return self._facet_set(name, where)

    def _facet_set(self, name: str, where: str) -> NDArray[np.int64]:
        if name in AUTOMATIC:
            if name in self.automatic.missing:
                raise NoPlaceError("undefined", self.automatic.missing[name])
            return facets_at(self.mesh, self.automatic.found[name])
        if name not in self.mesh.facet_names.values():
            known = ", ".join([*self.model.membranes, *self.mesh.facet_names.values(), *AUTOMATIC])
            raise SimulationError(
                f"{_opening(where)}there is no membrane and no set of facets {name!r} on {self.mesh.name!r}; known: {known}. "
                f"Say which is meant: 'places={{{name}: {next(iter(self.mesh.facet_names.values()), MEMBRANE)}}}'"
            )
        found = self.mesh.facets_named(name)
        if not len(found):
            raise SimulationError(f"{_opening(where)}{self.mesh.name!r} knows the name {name!r} but has no facets of it.")
        return found

    def cut_points(self) -> NDArray[np.int64]:
        """Points of the mesh on faces where the image cuts the object, without facets that a membrane of the model claims."""
        claimed = {name for membrane in self.model.membranes.values() for name in membrane.facets}
        tags = [tag for tag, name in self.mesh.facet_names.items() if name in PLANES and name not in claimed]
        return np.unique(self.mesh.facets[np.isin(self.mesh.facet_tags, tags)])


def _opening(where: str) -> str:
    return f"{where}: " if where else ""
