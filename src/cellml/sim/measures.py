"""How observables of transport and geometry are measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from cellml.sim.conductance import shape_factor
from cellml.sim.domain import UM_PER_NM
from cellml.sim.errors import SimulationError
from cellml.sim.estimate import Estimate
from cellml.sim.first_passage import first_passage_time
from cellml.sim.model import ObservableRequest
from cellml.sim.observable_types import TYPES
from cellml.sim.observables import Observable
from cellml.sim.placement import NoPlaceError
from cellml.sim.relaxation import relaxation_time
from cellml.sim.specimen import Specimen


def measure(specimen: Specimen, request: ObservableRequest) -> tuple[Observable, NDArray[np.float64] | None]:
    """One observable, and its field (P,) on the points of the mesh if it comes with one."""
    unit = TYPES[request.type].unit
    try:
        estimate = MEASURES[request.type](specimen, request)
    except NoPlaceError as missing:
        return Observable.without_value(request.name, unit, missing.status, missing.reason), None
    values = None if estimate.field is None else specimen.domain.field(estimate.field)
    return Observable(request.name, estimate.value, unit, estimate.error), values


def _relaxation_time(specimen: Specimen, request: ObservableRequest) -> Estimate:
    return relaxation_time(specimen.domain, specimen.enrichment, specimen.D)


def _first_passage_time(specimen: Specimen, request: ObservableRequest) -> Estimate:
    target = specimen.placement.facets(request.places["to"], request.where)
    return first_passage_time(specimen.domain, specimen.enrichment, specimen.D, target)


def _shape_factor(specimen: Specimen, request: ObservableRequest) -> Estimate:
    return _between(specimen, request).times(1.0 / UM_PER_NM)


def _conductance(specimen: Specimen, request: ObservableRequest) -> Estimate:
    return _between(specimen, request).times(specimen.D)


def _between(specimen: Specimen, request: ObservableRequest) -> Estimate:
    """The shape factor between two ends in µm, solved once for all observables that need it."""
    names = (request.places["from"], request.places["to"])
    if names not in specimen.between_ends:
        source, sink = specimen.placement.two_ends(*names, request.where)
        try:
            specimen.between_ends[names] = shape_factor(specimen.domain, specimen.enrichment, source, sink)
        except SimulationError as error:
            raise SimulationError(f"{request.where}: {error}" if request.where else str(error)) from None
    return specimen.between_ends[names]


def _volume(specimen: Specimen, request: ObservableRequest) -> Estimate:
    return _exact(specimen.domain.volume)


def _area(specimen: Specimen, request: ObservableRequest) -> Estimate:
    facets = specimen.placement.facets(request.places["on"], request.where)
    return _exact(float(specimen.domain.facet_areas(facets).sum()))


def _exact(value: float) -> Estimate:
    """A measure of the polyhedron itself, which linear and quadratic elements see alike."""
    return Estimate.between(value, value)


Measured = Callable[[Specimen, ObservableRequest], Estimate]

MEASURES: Mapping[str, Measured] = {
    "relaxation_time": _relaxation_time,
    "first_passage_time": _first_passage_time,
    "conductance": _conductance,
    "shape_factor": _shape_factor,
    "volume": _volume,
    "area": _area,
}
