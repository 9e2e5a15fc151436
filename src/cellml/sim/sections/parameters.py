"""The section `parameters`."""

from __future__ import annotations

from typing import Any

from cellml.sim.model import Parameter
from cellml.sim.quantities import Quantity, base_unit
from cellml.sim.reading import QUANTITY_KEYS, check_keys, flag, number, quantity, symbol
from cellml.sim.sections.gathering import Gathering
from cellml.sim.sections.priors import check_prior, read_prior
from cellml.sim.yaml_lines import KeyPath, LocatedDocument


def read_parameters(have: Gathering) -> None:
    """Read the section `parameters` into `have.parameters`.

    Raises SimulationError for a negative rate (whatever is per time), bounds that are none, a value outside its bounds, and a prior that
    does not fit value and bounds.
    """
    for key, item in have.section("parameters").items():
        path: KeyPath = ("parameters", key)
        symbol(have.document, path, key)
        check_keys(have.document, path, item, required=("value", "unit"), optional=(*QUANTITY_KEYS, "bounds", "prior", "estimate"))
        found = quantity(have.document, path, {k: item[k] for k in QUANTITY_KEYS if k in item}, "")
        parameter = Parameter(
            key,
            found,
            bounds=_bounds(have.document, (*path, "bounds"), item.get("bounds"), found),
            prior=read_prior(have.document, (*path, "prior"), item.get("prior"), found),
            estimate=flag(have.document, (*path, "estimate"), item.get("estimate", False)),
            where=have.document.where(path),
        )
        _check_value(have.document, path, parameter)
        check_prior(have.document, (*path, "prior"), parameter)
        have.parameters[key] = parameter


def is_rate(found: Quantity) -> bool:
    """Whether a quantity is per time: a rate constant, a diffusion coefficient, a permeability."""
    return bool(found.dimension.get("[time]", 0) == -1)


def _check_value(document: LocatedDocument, path: KeyPath, parameter: Parameter) -> None:
    found, bounds = parameter.quantity, parameter.bounds
    if found.value < 0 and is_rate(found):
        raise document.error((*path, "value"), f"{parameter.name} = {found} is a negative rate; turn the reaction around")
    if bounds is not None and is_rate(found) and bounds[0] < 0:
        raise document.error((*path, "bounds"), f"{parameter.name} is a rate and cannot be negative, but its low bound is")
    if bounds is not None and not bounds[0] <= found.base <= bounds[1]:
        raise document.error((*path, "value"), f"{parameter.name} = {found} lies outside its bounds")


def _bounds(document: LocatedDocument, path: KeyPath, item: Any, of: Quantity) -> tuple[float, float] | None:
    if item is None:
        return None
    if not isinstance(item, list) or len(item) != 2:
        raise document.error(path, f"bounds are two numbers [low, high] in {of.unit}, found {item!r}")
    low, high = (Quantity(number(document, path, value), of.unit).to(base_unit(of.dimension)) for value in item)
    if not low < high:
        raise document.error(path, f"the low bound must lie below the high one, found {item}")
    return low, high
