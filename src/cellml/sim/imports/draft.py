"""What a model file will hold, while it is gathered from SBML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cellml.sim.errors import SimulationError
from cellml.sim.expression import FUNCTIONS, Expression, name, number
from cellml.sim.imports.units import ModelUnits, Unit, unit_named
from cellml.sim.reading import RESERVED


@dataclass(frozen=True)
class Place:
    """A compartment of SBML. bulk: three-dimensional (a compartment), else a membrane; size_name: the parameter that holds its size."""

    name: str
    bulk: bool
    size: float | None
    unit: Unit
    size_name: str


@dataclass(frozen=True)
class Constant:
    """A number with its unit; unit None: not known. called: its name in SBML, for the comment."""

    value: float
    unit: Unit | None
    called: str = ""


@dataclass(frozen=True)
class Pool:
    """A species that changes. only_amounts: its symbol in the mathematics of SBML is an amount, not a concentration."""

    place: Place
    initial: float
    unit: Unit
    only_amounts: bool
    called: str = ""


@dataclass(frozen=True)
class Process:
    """A reaction. arrow: "->" or "<->"; rate: per volume or area and time; forward, backward: the constants of mass action of which the
    rate is made, "" where it is written out.
    """

    name: str
    place: Place
    left: Mapping[str, int]
    right: Mapping[str, int]
    arrow: str
    rate: Expression
    forward: str = ""
    backward: str = ""


@dataclass
class Draft:
    """All parts, by their names in the model file.

    assuming: whether units that are left open may be assumed; literals: the constants that are numbers in formulas; amounts: places of the
    species whose symbol in SBML is an amount; assumed: by what is measured ("substance", "volume", …), whose unit was left open and
    assumed; notes: sentences about what was left out, assumed or looks wrong.
    """

    model: Any
    units: ModelUnits
    assuming: bool = False
    places: dict[str, Place] = field(default_factory=dict)
    constants: dict[str, Constant] = field(default_factory=dict)
    pools: dict[str, Pool] = field(default_factory=dict)
    stimuli: dict[str, Expression] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)
    amounts: dict[str, Place] = field(default_factory=dict)
    literals: list[str] = field(default_factory=list)
    assumed: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def symbol(self, called: str) -> Expression:
        """What an SBML id stands for in a formula. Raises SimulationError for one that has no value as such."""
        if called in self.places:
            return name(self.places[called].size_name)
        if self.model.getSpecies(called) is None and self.model.getParameter(called) is None:
            raise SimulationError(f"the name of a reaction or of a stoichiometry, {called!r}, stands in a formula; write its rate out")
        own = safe(called)
        if own in self.amounts:
            return Expression("*", (name(own), name(self.amounts[own].size_name)))
        return name(own)

    def literal(self, value: float, unit: str) -> Expression:
        """A number becomes a constant of its own if it has a unit, or may have one that was left open."""
        if value == 0.0 or not (unit or self.assuming):
            return number(value)
        called = f"number_{len(self.literals) + 1}"
        while self.model.getElementBySId(called) is not None:
            called += "_"
        self.literals.append(called)
        self.constants[called] = Constant(value, unit_named(self.model, unit))
        return name(called)


def safe(called: str) -> str:
    """An SBML id as a name of a model file, which has words of its own."""
    import keyword

    return f"{called}_" if called in FUNCTIONS or called in RESERVED or keyword.iskeyword(called) else called
