"""What is to be simulated: the coefficients, the observables, and what is released."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cellml.sim.quantities import Quantity

# The places each type of observable needs, and their defaults (None: must be given).
OBSERVABLE_PLACES: Mapping[str, Mapping[str, str | None]] = {
    "relaxation_time": {},
    "first_passage_time": {"to": None},
    "conductance": {"from": None, "to": None},
    "shape_factor": {"from": None, "to": None},
    "volume": {},
    "area": {"on": "membrane"},
}

# A release may be followed for a multiple of L²/D of the shape at hand instead of a fixed time.
DIFFUSION_TIME = "diffusion_time"
SCHEMES = ("bdf2", "backward_euler")


@dataclass(frozen=True)
class ObservableRequest:
    """One observable of a model.

    type: a key of OBSERVABLE_PLACES; name: its name in tables; places: name of a facet set, or an automatic choice of `cellml.sim.ends`,
    by role ("from", "to", "on"); where: file and line it was asked for, for messages.
    """

    type: str
    name: str
    places: Mapping[str, str] = field(default_factory=dict)
    where: str = ""


@dataclass(frozen=True)
class Release:
    """A unit of molecules released at one moment, and how long it is followed.

    at: name of a facet set, an automatic choice, or a point (x, y, z) in nm; end: a time, or a multiple of the unit DIFFUSION_TIME,
    which is L²/D of the shape at hand; steps: number of equal time steps; scheme: one of SCHEMES; snapshots: how many
    concentration fields are kept, at equal distances in time, the last at the end.
    """

    at: str | tuple[float, float, float]
    end: Quantity
    steps: int = 100
    scheme: str = "bdf2"
    snapshots: int = 5
    where: str = ""


@dataclass(frozen=True)
class DiffusionModel:
    """Diffusion of one species in the whole volume of a mesh, sealed wherever nothing else is said.

    D: diffusion coefficient; observables: what is to be measured; release: a transient to follow, or None; path: the file it was read
    from, if it was.
    """

    name: str
    D: Quantity
    observables: tuple[ObservableRequest, ...]
    release: Release | None = None
    path: Path | None = None
