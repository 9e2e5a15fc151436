"""From the names of places in a model to facets of the mesh at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.sim.domain import Domain
from cellml.sim.ends import AUTOMATIC, Places, facets_at
from cellml.sim.errors import SimulationError
from cellml.sim.outer_membrane import MEMBRANE


class NoPlaceError(Exception):
    """A place that this shape does not have; caught inside the package. status: what that makes of an observable."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass(frozen=True, eq=False)
class Placement:
    """Names of places on a Domain.

    places: where the automatic names are; foreign: whether they were chosen on another mesh; membranes: facet sets by the membranes of a
    model.
    """

    domain: Domain
    places: Places
    foreign: bool
    membranes: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def facets(self, name: str, where: str = "") -> NDArray[np.int64]:
        """Node triples (F, 3) of a membrane, a facet set or an automatic choice.

        Raises NoPlaceError where an automatic choice has no answer, and SimulationError, opening with `where`, for a name that the mesh
        does not know.
        """
        sets = self.membranes.get(name, (name,))
        return self.domain.local(np.concatenate([self._points(each, where) for each in sets]))

    def _points(self, name: str, where: str) -> NDArray[np.int64]:
        mesh = self.domain.mesh
        if name not in AUTOMATIC:
            try:
                facets = mesh.facets_named(name)
            except CellmlError as error:
                meant = next(iter(mesh.facet_names.values()), MEMBRANE)
                raise SimulationError(
                    f"{f'{where}: ' if where else ''}{error} Say which is meant: 'places={{{self._asked_as(name)}: {meant}}}'. "
                    f"Or choose by itself: {', '.join(AUTOMATIC)}."
                ) from None
            if not len(facets):
                raise SimulationError(f"{f'{where}: ' if where else ''}{mesh.name!r} knows the name {name!r} but has no facets of it.")
            return facets
        if name in self.places.missing:
            raise NoPlaceError("undefined", self.places.missing[name])
        try:
            return facets_at(mesh, self.places.found[name])
        except SimulationError as error:
            raise NoPlaceError("failed", str(error)) from None

    def _asked_as(self, name: str) -> str:
        """The place of the model behind a facet set, or the set where no membrane of the model lists it."""
        return next((place for place, sets in self.membranes.items() if name in sets), name)

    def two_ends(self, source: str, sink: str, where: str = "") -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Facets of two places that must not touch; NoPlaceError ("failed") if places from another mesh coincide or touch on this one."""
        first, second = self.facets(source, where), self.facets(sink, where)
        if self.foreign and {source, sink} <= set(AUTOMATIC) and np.intersect1d(first, second).size:
            raise NoPlaceError("failed", f"{source} and {sink} fall on the same or touching ends of {self.domain.mesh.name!r}")
        return first, second
