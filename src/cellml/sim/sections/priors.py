"""What a model file says of a parameter beforehand."""

from __future__ import annotations

from typing import Any

from cellml.sim.model import Parameter, Prior
from cellml.sim.quantities import Quantity, base_unit
from cellml.sim.reading import check_keys, number
from cellml.sim.yaml_lines import KeyPath, LocatedDocument

_PRIORS = {"lognormal": ("median", "sd_log"), "normal": ("mean", "sd"), "uniform": ("low", "high")}


def read_prior(document: LocatedDocument, path: KeyPath, item: Any, of: Quantity) -> Prior | None:
    """`{lognormal: {median: 1.0, sd_log: 0.5}}`, `{normal: {mean, sd}}` or `{uniform: {low, high}}`, in the unit of the parameter."""
    if item is None:
        return None
    if not isinstance(item, dict) or len(item) != 1 or next(iter(item)) not in _PRIORS:
        raise document.error(path, f"a prior is one of {', '.join(f'{k}: {{{a}, {b}}}' for k, (a, b) in _PRIORS.items())}, found {item!r}")
    kind, numbers = next(iter(item.items()))
    keys = _PRIORS[kind]
    check_keys(document, (*path, kind), numbers, required=keys)
    first, second = (number(document, (*path, kind, key), numbers[key]) for key in keys)
    if (kind == "uniform" and not first < second) or (kind != "uniform" and not second > 0) or (kind == "lognormal" and not first > 0):
        raise document.error((*path, kind), f"{keys[0]} = {first:g} and {keys[1]} = {second:g} make no {kind} distribution")
    base = base_unit(of.dimension)
    zero, one, other = (Quantity(v, of.unit).to(base) for v in (0.0, first, second))
    # A spread has no zero point of its own, which matters in degC; that of a logarithm has no unit.
    return Prior(kind, one, {"lognormal": second, "normal": other - zero, "uniform": other}[kind])


def check_prior(document: LocatedDocument, path: KeyPath, parameter: Parameter) -> None:
    """Raise SimulationError if a parameter's value or all of its bounds are impossible under its prior."""
    prior, value = parameter.prior, parameter.quantity.base
    if prior is None or prior.kind == "normal":
        return
    low, high = (prior.first, prior.second) if prior.kind == "uniform" else (0.0, float("inf"))
    allowed = f"between {low:g} and {high:g}" if prior.kind == "uniform" else "above 0"
    if not low <= value <= high or (prior.kind == "lognormal" and value == 0.0):
        raise document.error(path, f"the prior allows values {allowed} (in coherent units), but {parameter.name} is {value:g}")
    if parameter.bounds is not None and (parameter.bounds[1] <= low or parameter.bounds[0] >= high):
        raise document.error(path, f"the prior allows values {allowed} (in coherent units), all outside the bounds {parameter.bounds}")
