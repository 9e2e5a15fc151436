"""Reading single entries of a model file: each check names file, line and key."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from cellml.sim.errors import SimulationError
from cellml.sim.expression import FUNCTIONS
from cellml.sim.quantities import Quantity, parse_unit
from cellml.sim.yaml_lines import KeyPath, LocatedDocument

# Names that formulas know without being told: time and place.
RESERVED = ("t", "x", "y", "z")
QUANTITY_KEYS = ("value", "unit", "source", "temperature")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def check_keys(document: LocatedDocument, path: KeyPath, item: Any, *, required: Collection[str], optional: Collection[str] = ()) -> None:
    """Raise SimulationError unless an entry is a mapping with all of the required and none but the known keys."""
    if not isinstance(item, Mapping):
        raise document.error(path, f"`key: value` lines are needed here ({', '.join([*required, *optional])}), found {item!r}")
    known = [*required, *(key for key in optional if key not in required)]
    for key in item:
        if key not in known:
            raise document.error((*path, key), f"is not a key of a model{nearest(key, known)}; known here: {', '.join(known)}")
    for key in required:
        if item.get(key) is None:
            raise document.error(path, f"the key {key!r} is missing")


def nearest(word: Any, known: Iterable[str]) -> str:
    """Words for the end of a message, such as "; did you mean 'initial'?", if a known word is close; else nothing."""
    close = get_close_matches(str(word), list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def number(document: LocatedDocument, path: KeyPath, value: Any) -> float:
    """A finite number."""
    try:
        if not isinstance(value, bool) and isinstance(value, (int, float)) and math.isfinite(value):
            return float(value)
    except OverflowError:  # an integer of more than 308 digits
        raise document.error(path, "this number is larger than numbers can be here (1e308)") from None
    raise document.error(path, f"a finite number is needed, found {value!r}")


def count(document: LocatedDocument, path: KeyPath, value: Any) -> int:
    """A whole number of at least 1."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise document.error(path, f"a whole number of at least 1 is needed, found {value!r}")
    return value


def flag(document: LocatedDocument, path: KeyPath, value: Any) -> bool:
    """A truth value, true or false."""
    if not isinstance(value, bool):
        raise document.error(path, f"true or false is needed, found {value!r}")
    return value


def text(document: LocatedDocument, path: KeyPath, value: Any) -> str:
    """A non-empty word."""
    if not isinstance(value, str) or not value.strip():
        raise document.error(path, f"a name is needed, found {value!r}")
    return value


def choice(document: LocatedDocument, path: KeyPath, value: Any, known: Collection[str], what: str) -> str:
    """One of the known words."""
    if not isinstance(value, str) or value not in known:
        raise document.error(path, f"{value!r} is not {what}{nearest(value, known)}; there are {', '.join(known)}")
    return str(value)


def symbol(document: LocatedDocument, path: KeyPath, value: Any) -> str:
    """A name that may stand in a formula: letters of ASCII, digits and underscores, not a function or a reserved word."""
    if not isinstance(value, str) or not _NAME.fullmatch(value) or keyword.iskeyword(value):
        raise document.error(
            path,
            f"{value!r} cannot be a name: a-z, A-Z, 0-9 and underscores, with no digit at the beginning, and none of Python's own words",
        )
    if value in FUNCTIONS or value in RESERVED:
        raise document.error(
            path, f"the name {value!r} is taken: formulas know it as {'a function' if value in FUNCTIONS else 'time or place'}"
        )
    return value


def names(document: LocatedDocument, path: KeyPath, value: Any) -> tuple[str, ...]:
    """One name, or a list of names."""
    items = value if isinstance(value, list) else [value]
    if not items:
        raise document.error(path, "at least one name is needed")
    return tuple(text(document, (*path, index) if isinstance(value, list) else path, item) for index, item in enumerate(items))


def point(document: LocatedDocument, path: KeyPath, value: Any) -> tuple[float, float, float]:
    """A point [x, y, z] in nm."""
    if not isinstance(value, list) or len(value) != 3:
        raise document.error(path, f"a point has three coordinates [x, y, z] in nm, found {value!r}")
    x, y, z = (number(document, path, coordinate) for coordinate in value)
    return (x, y, z)


def quantity(
    document: LocatedDocument, path: KeyPath, item: Any, example: str, *, also: str = "", positive: bool = False, unit_key: str = "unit"
) -> Quantity:
    """A value with a unit of the dimension of `example` (any if empty), or the unit `also`.

    unit_key: the key at which messages about the unit point. Raises SimulationError too where the value leaves the range of floating-point
    numbers in coherent units.
    """
    if not isinstance(item, Mapping):
        raise document.error(path, f"a value with a unit is needed, such as {{value: 1.0, unit: {example or 'um^2/s'}}}, found {item!r}")
    check_keys(document, path, item, required=("value", "unit"), optional=QUANTITY_KEYS)
    value = number(document, (*path, "value"), item["value"])
    unit = text(document, (*path, unit_key), item["unit"]).strip()
    found = Quantity(value, unit, str(item.get("source") or ""), _temperature(document, (*path, "temperature"), item.get("temperature")))
    if positive and not value > 0:
        raise document.error((*path, "value"), f"must be positive, found {value:g}")
    if unit == also and also:
        return found
    try:
        parse_unit(unit)
        if example:
            found.to(example)
        base = found.base
    except SimulationError as error:
        raise document.error((*path, unit_key), str(error)) from None
    if not math.isfinite(base) or (base == 0.0) != (value == 0.0):
        raise document.error((*path, "value"), f"{found} is {base:g} in µm, s, molecules, mg and K: out of the range of numbers")
    return found


def _temperature(document: LocatedDocument, path: KeyPath, item: Any) -> str:
    """The temperature at which a constant was measured, such as 310 K or 37 degC; empty if not given."""
    if item is None:
        return ""
    value, _, unit = str(item).strip().partition(" ")
    try:
        if Quantity(float(value), unit).to("K") > 0:
            return str(item)
    except ValueError:  # SimulationError is one
        pass
    raise document.error(path, f"a temperature is needed, such as 310 K or 37 degC, found {item!r}")
