"""The section `stimuli`: what changes in time from outside."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from cellml.sim.model import Stimulus
from cellml.sim.quantities import dimension_of
from cellml.sim.reading import check_keys, flag, number, quantity, symbol, text
from cellml.sim.sections.gathering import Gathering
from cellml.sim.yaml_lines import KeyPath, LocatedDocument


def read_stimuli(have: Gathering) -> dict[str, Stimulus]:
    """The section `stimuli`: formulas go to `have.formulas`, to be put in place of their names; tables are returned.

    A formula may name stimuli above it.
    """
    tables = {}
    for key, item in have.section("stimuli").items():
        path: KeyPath = ("stimuli", key)
        symbol(have.document, path, key)
        if isinstance(item, dict) and "formula" in item:
            check_keys(have.document, path, item, required=("formula",))
            have.formulas[key] = have.formula((*path, "formula"), item["formula"])
        else:
            tables[key] = _table(have.document, path, key, item)
    return tables


def _table(document: LocatedDocument, path: KeyPath, called: str, item: Any) -> Stimulus:
    check_keys(document, path, item, required=("times", "time_unit", "values", "unit"), optional=("steps",))
    times = _column(document, path, item, "times", "time_unit", "s")
    values = _column(document, path, item, "values", "unit", "")
    if len(times) != len(values):
        raise document.error(path, f"there are {len(times)} times but {len(values)} values")
    if any(later <= earlier for earlier, later in pairwise(times)):
        raise document.error((*path, "times"), "times must increase")
    steps = flag(document, (*path, "steps"), item.get("steps", False))
    return Stimulus(called, times, values, dimension_of(item["unit"]), steps, document.where(path))


def _column(document: LocatedDocument, path: KeyPath, item: Any, key: str, unit_key: str, example: str) -> tuple[float, ...]:
    """Numbers of a table in coherent units."""
    if not isinstance(item[key], list) or not item[key]:
        raise document.error((*path, key), f"a list of numbers is needed, found {item[key]!r}")
    unit = text(document, (*path, unit_key), item[unit_key])
    numbers = [number(document, (*path, key, index), value) for index, value in enumerate(item[key])]
    return tuple(quantity(document, path, {"value": v, "unit": unit}, example, unit_key=unit_key).base for v in numbers)
