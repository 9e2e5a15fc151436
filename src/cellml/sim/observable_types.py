"""The types of observables that a model may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ObservableType:
    """What an observable needs, and what it comes in.

    about: "species", "bulk species", "reaction" or "" (nothing); places: facet sets by role, with their defaults (None: must be given);
    unit: the usual one ("" where it depends on the species); course: a time course that is reduced to one number; point: it needs one.
    """

    about: str
    unit: str
    places: Mapping[str, str | None] = field(default_factory=dict)
    course: bool = False
    point: bool = False


TYPES: Mapping[str, ObservableType] = {
    "relaxation_time": ObservableType("bulk species", "s"),
    "first_passage_time": ObservableType("bulk species", "s", {"to": None}),
    "conductance": ObservableType("bulk species", "um^3/s", {"from": None, "to": None}),
    "shape_factor": ObservableType("", "nm", {"from": None, "to": None}),
    "volume": ObservableType("", "um^3"),
    "area": ObservableType("", "um^2", {"on": "membrane"}),
    "amount": ObservableType("species", "molecule", course=True),
    "mean": ObservableType("species", "", course=True),
    "minimum": ObservableType("species", "", course=True),
    "maximum": ObservableType("species", "", course=True),
    "concentration": ObservableType("species", "", course=True, point=True),
    "rate": ObservableType("reaction", "molecule/s", course=True),
}

# How a time course becomes one number.
REDUCTIONS = ("final", "peak", "lowest", "time_of_peak", "integral", "average", "half_time")
BULK_UNIT, SURFACE_UNIT = "uM", "molecule/um^2"
