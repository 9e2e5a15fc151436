"""What a mechanical model is: solids, what holds and moves them, and what is asked. Its file has a section `mechanics` and no species."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cellml.sim.quantities import Quantity

LAWS = ("linear", "neo_hookean")
AXES = ("x", "y", "z")
Triple = tuple[float | None, float | None, float | None]


@dataclass(frozen=True)
class MechanicsType:
    """An observable of mechanics. unit: the usual one; on, axis: whether it needs a facet set, and a direction."""

    unit: str
    on: bool = False
    axis: bool = False


MECHANICS_TYPES: Mapping[str, MechanicsType] = {
    "reaction_force": MechanicsType("pN", on=True, axis=True),
    "energy": MechanicsType("aJ"),  # pN·µm
    "max_von_mises": MechanicsType("Pa"),
    "max_displacement": MechanicsType("nm"),
    "stress_strain": MechanicsType("Pa", on=True, axis=True),
}


@dataclass(frozen=True)
class Solid:
    """The material of a region (EVERYWHERE: of all). young: Young's modulus; poisson: Poisson's ratio."""

    region: str
    young: Quantity
    poisson: Quantity
    where: str = ""


@dataclass(frozen=True)
class Support:
    """A displacement of a facet set, (x, y, z) in µm, None where it is free; the one listed later holds shared nodes."""

    on: str
    value: Triple
    where: str = ""


@dataclass(frozen=True)
class Push:
    """A load on a facet set: a traction (x, y, z) in Pa, or a pressure in Pa against the outward normal."""

    on: str
    traction: tuple[float, float, float] | None = None
    pressure: float = 0.0
    where: str = ""


@dataclass(frozen=True)
class MechanicsRequest:
    """An observable: type, a key of MECHANICS_TYPES; on: a facet set; axis: "x", "y", "z" or ""; unit: to be given in."""

    type: str
    name: str
    unit: str
    on: str = ""
    axis: str = ""
    where: str = ""


@dataclass(frozen=True)
class MechanicsModel:
    """A whole mechanical model.

    law: one of LAWS, for all solids; order: of the elements, 1 or 2; steps: in which displacements and loads are raised together; supports
    and loads in the order of the file; sourceless: a sentence for each constant whose origin nobody gave.
    """

    name: str
    solids: tuple[Solid, ...]
    observables: tuple[MechanicsRequest, ...]
    supports: tuple[Support, ...] = ()
    loads: tuple[Push, ...] = ()
    law: str = "linear"
    order: int = 2
    steps: int = 1
    path: Path | None = None
    sourceless: tuple[str, ...] = field(default=())
