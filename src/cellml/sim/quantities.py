"""Physical quantities of a model file: a number, its unit, and where it was taken from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from cellml.sim.errors import SimulationError

_UNIT = re.compile(r"[\w\s^*/().·%-]+")


@dataclass(frozen=True)
class Quantity:
    """A value in the unit it was given in. source: the reference it comes from; empty if nobody said."""

    value: float
    unit: str
    source: str = ""

    def to(self, unit: str) -> float:
        """The value in another unit. Raises SimulationError if the dimensions differ or a unit is unknown."""
        here, there = parse_unit(self.unit), parse_unit(unit)
        if here.dimensionality != there.dimensionality:
            raise SimulationError(f"a unit such as {unit} is needed ({there.dimensionality}), but {self.unit!r} is {here.dimensionality}")
        return float(_registry().Quantity(self.value, here).to(there).magnitude)


def parse_unit(unit: str) -> Any:
    """A unit such as um^2/s or 1/ms as pint knows it. Raises SimulationError if it is none."""
    import pint

    try:
        if not _UNIT.fullmatch(unit):
            raise ValueError
        return _registry().Unit(unit)
    except (pint.PintError, ValueError, TypeError, AttributeError, SyntaxError, AssertionError):
        raise SimulationError(f"{unit!r} is not a unit; write for example um^2/s, nm, ms or uM") from None


@cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(cache_folder=None)
