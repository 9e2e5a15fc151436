"""Physical quantities of a model file: a number, its unit, and where it was taken from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from tokenize import TokenError
from typing import Any

from cellml.sim.errors import SimulationError

# Coherent units of all equations. The unit of mass makes the unit of force pN and that of pressure Pa = pN/um^2.
BASE = {
    "[length]": "um",
    "[time]": "s",
    "[substance]": "molecule",
    "[mass]": "mg",
    "[temperature]": "K",
    "[current]": "A",
    "[luminosity]": "cd",
}
_UNIT = re.compile(r"[\w\s^*/().·%-]{1,200}")
_POWER_OF_NUMBER = re.compile(r"\d{3}|\d\s*\)*\s*(\^|\*\*)")  # 9**9**9 would be computed to its last digit


# What pint's parser raises for text that is no unit.
_UNREADABLE = (
    *(ValueError, TypeError, AttributeError, AssertionError, LookupError, ArithmeticError, RecursionError),
    *(SyntaxError, TokenError),
)


@dataclass(frozen=True)
class Quantity:
    """A value in the unit it was given in.

    source: the reference it comes from; temperature: at which it was measured, such as "310 K"; both empty if nobody said.
    """

    value: float
    unit: str
    source: str = ""
    temperature: str = ""

    def to(self, unit: str) -> float:
        """The value in another unit. Raises SimulationError if the dimensions differ or a unit is unknown."""
        here, there = parse_unit(self.unit), parse_unit(unit)
        if here.dimensionality != there.dimensionality:
            raise SimulationError(f"a unit such as {unit} is needed ({there.dimensionality}), but {self.unit!r} is {here.dimensionality}")
        try:
            return float(_registry().Quantity(self.value, here).to(there).magnitude)
        except OverflowError:
            raise SimulationError(f"{self} is beyond what numbers can hold in {unit}") from None

    @property
    def dimension(self) -> Any:
        """The dimension as pint writes it, such as [length]**2/[time]. Raises SimulationError if the unit is unknown."""
        return parse_unit(self.unit).dimensionality

    @property
    def base(self) -> float:
        """The value in the coherent units that all equations are solved in (see BASE)."""
        return _in_base(self.value, self.unit)

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit}"


@lru_cache(maxsize=4096)
def parse_unit(unit: str) -> Any:
    """A unit such as um^2/s or 1/ms as pint knows it. Raises SimulationError if it is none."""
    import pint

    try:
        if not _UNIT.fullmatch(unit) or _POWER_OF_NUMBER.search(unit):
            raise ValueError
        return _registry().Unit(unit)
    except (*_UNREADABLE, pint.PintError):
        raise SimulationError(f"{unit!r} is not a unit; write for example um^2/s, nm, ms or uM") from None


def base_unit(dimension: Any) -> str:
    """The coherent unit of a dimension: of [substance]/[length]**3 it is "molecule*um**-3"; "dimensionless" of a plain number."""
    powers = {BASE[key]: power for key, power in sorted(dimension.items(), key=lambda item: -item[1])}
    return "*".join(unit if power == 1 else f"{unit}**{power:g}" for unit, power in powers.items()) or "dimensionless"


def dimension_of(unit: str) -> Any:
    """The dimension of a unit."""
    return parse_unit(unit).dimensionality


def from_base(value: float, unit: str) -> float:
    """A value in coherent units, expressed in `unit`."""
    return value / Quantity(1.0, unit).base


@lru_cache(maxsize=4096)
def _in_base(value: float, unit: str) -> float:
    return Quantity(value, unit).to(base_unit(dimension_of(unit)))


@cache
def no_dimension() -> Any:
    """The dimension of a plain number."""
    return dimension_of("dimensionless")


@cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(cache_folder=None)
