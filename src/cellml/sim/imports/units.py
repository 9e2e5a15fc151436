"""Units of SBML as units of a model file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cellml.sim.errors import SimulationError
from cellml.sim.quantities import parse_unit

# Kinds of SBML by their names in pint, where these differ.
_KINDS = {
    "item": "molecule",
    "liter": "litre",
    "meter": "metre",
    "radian": "dimensionless",
    "steradian": "dimensionless",
}
_PREFIXES = {
    **{-24: "yocto", -21: "zepto", -18: "atto", -15: "femto", -12: "pico", -9: "nano", -6: "micro", -3: "milli", -2: "centi", -1: "deci"},
    **{0: "", 1: "deca", 2: "hecto", 3: "kilo", 6: "mega", 9: "giga", 12: "tera"},
}
_TIMES = {60.0: "minute", 3600.0: "hour", 86400.0: "day"}
# What SBML of level 2 takes where nothing is said.
LEVEL_2 = {"substance": "mole", "volume": "litre", "area": "metre**2", "length": "metre", "time": "second"}


@dataclass(frozen=True)
class Unit:
    """A unit as pint writes it, and the factor by which numbers in the SBML unit are multiplied to be in it."""

    text: str
    factor: float = 1.0


def unit_named(model: Any, name: str) -> Unit | None:
    """The unit that an attribute `units` of SBML names; None if it names none. Raises SimulationError for one without a counterpart."""
    if not name:
        return None
    definition = model.getUnitDefinition(name)
    if definition is not None:
        return _defined(definition)
    if name in LEVEL_2 and model.getLevel() == 2:
        return Unit(LEVEL_2[name])
    return Unit(_kind(name, name))


def _defined(definition: Any) -> Unit:
    parts, factor = [], 1.0
    for index in range(definition.getNumUnits()):
        unit = definition.getUnit(index)
        text, own = _scaled(unit, definition.getId())
        exponent = unit.getExponentAsDouble()
        factor *= own**exponent
        if text != "dimensionless":
            parts.append(text if exponent == 1 else f"{text}**{exponent:g}")
    return Unit("*".join(parts) or "dimensionless", factor)


def _scaled(unit: Any, within: str) -> tuple[str, float]:
    """(multiplier · 10^scale · kind) as a prefixed unit of pint and what is left as a factor."""
    import libsbml

    kind = _kind(libsbml.UnitKind_toString(unit.getKind()), within)
    multiplier, scale = unit.getMultiplier(), unit.getScale()
    if kind == "second" and scale == 0 and multiplier in _TIMES:
        return _TIMES[multiplier], 1.0
    prefixed = kind not in ("dimensionless", "molecule", "kilogram") and scale in _PREFIXES
    return (f"{_PREFIXES[scale]}{kind}", multiplier) if prefixed else (kind, multiplier * 10.0**scale)


def _kind(kind: str, within: str) -> str:
    name = _KINDS.get(kind, kind)
    try:
        parse_unit(name)
    except SimulationError:
        raise SimulationError(f"the unit {within!r} has no counterpart ({kind!r}); declare it by SI units") from None
    if name in ("avogadro", "celsius"):
        raise SimulationError(f"the unit {within!r} has no counterpart ({kind!r}); declare it by SI units")
    return name


def bracketed(unit: str) -> str:
    """A unit as an operand of a power or a quotient."""
    return unit if unit.isalpha() else f"({unit})"


@dataclass(frozen=True)
class ModelUnits:
    """Units of a whole model: substance, volume, area, length and time. assumed: those among them that the model leaves open."""

    units: Mapping[str, Unit]
    assumed: frozenset[str] = frozenset()

    def __getitem__(self, what: str) -> Unit:
        return self.units[what]

    def of_dimension(self, dimension: Mapping[str, float]) -> Unit:
        """The unit of a dimension, as a product of the model's own."""
        substance, length, time = (round(dimension.get(key, 0.0), 6) for key in ("[substance]", "[length]", "[time]"))
        room, power = ("volume", length / 3) if length % 3 == 0 else ("area", length / 2) if length % 2 == 0 else ("length", length)
        parts, factor = [], 1.0
        for what, exponent in (("substance", substance), (room, power), ("time", time)):
            if exponent:
                unit = self[what]
                parts.append(unit.text if exponent == 1 else f"{bracketed(unit.text)}**{exponent:g}")
                factor *= unit.factor**exponent
        return Unit("*".join(parts) or "dimensionless", factor)


def model_units(model: Any, assumed: Mapping[str, str] | None) -> ModelUnits:
    """The units of a model. assumed: for what it leaves open, or None: then SimulationError names what is missing and the remedy."""
    found, open_ = {}, set()
    for what, default in LEVEL_2.items():
        name = str(getattr(model, f"get{what.capitalize()}Units")()) if model.getLevel() > 2 else what
        unit = unit_named(model, name)
        if unit is None and assumed is not None:
            unit = Unit(assumed.get(what, default))
            open_.add(what)
        if unit is not None:
            found[what] = unit
    return ModelUnits(found, frozenset(open_))
