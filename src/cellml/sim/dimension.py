"""The dimension of a formula, from those of its names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cellml.sim.errors import SimulationError
from cellml.sim.expression import Expression
from cellml.sim.quantities import no_dimension

_LARGEST_POWER = 100.0  # of a dimension


def dimension(formula: Expression, of: Mapping[str, Any]) -> Any:
    """Dimension of a formula as pint writes it, such as [substance]/[length]**3; None for a bare zero, which has every dimension.

    of: dimension of each name. Raises SimulationError, with the part and both dimensions, where two parts cannot be added, a function
    needs a plain number, or a name is unknown.
    """
    match formula.op:
        case "number":
            return None if formula.value == 0.0 else no_dimension()
        case "name":
            if formula.name not in of:
                raise SimulationError(f"{formula.name!r} is not known here; known: {', '.join(sorted(of))}")
            return of[formula.name]
        case "+" | "-" | "min" | "max":
            return _same(formula, [dimension(a, of) for a in formula.args])
        case "neg" | "abs":
            return dimension(formula.args[0], of)
        case "sign" | "step":
            dimension(formula.args[0], of)
            return no_dimension()
        case "*" | "/":
            return _product(formula, of)
        case "**":
            return _power(formula, of)
        case "sqrt":
            return (dimension(formula.args[0], of) or no_dimension()) ** 0.5
        case "pulse":
            _same(formula, [dimension(a, of) for a in formula.args])
            return no_dimension()
        case "hill":
            _same(formula, [dimension(a, of) for a in formula.args[:2]])
            _plain(formula.args[2], of, "the exponent of hill")
            return no_dimension()
    for argument in formula.args:
        _plain(argument, of, f"the argument of {formula.op}")
    return no_dimension()


def same_dimension(first: Any, second: Any) -> bool:
    """Whether two dimensions agree, but for rounding in fractional powers."""
    return all(abs(first.get(key, 0) - second.get(key, 0)) < 1e-9 for key in {*first, *second})


def _same(formula: Expression, dimensions: list[Any]) -> Any:
    known = [d for d in dimensions if d is not None]
    for number, d in enumerate(known):
        if not same_dimension(d, known[0]):
            parts = [str(a) for a, e in zip(formula.args, dimensions, strict=False) if e is not None]
            raise SimulationError(f"in `{formula}`, `{parts[0]}` is {known[0]} but `{parts[number]}` is {d}")
    return known[0] if known else None


def _product(formula: Expression, of: Mapping[str, Any]) -> Any:
    first, second = (dimension(a, of) for a in formula.args)
    if formula.op == "*":
        return None if None in (first, second) else first * second
    return None if first is None else first / (no_dimension() if second is None else second)


def _power(formula: Expression, of: Mapping[str, Any]) -> Any:
    base, exponent = formula.args
    _plain(exponent, of, f"the exponent in `{formula}`")
    inner = dimension(base, of) or no_dimension()
    if inner == no_dimension():
        return no_dimension()
    if exponent.names:
        raise SimulationError(
            f"in `{formula}` a quantity with dimension {inner} has an exponent that is not a plain number; divide it by a scale first"
        )
    with np.errstate(all="ignore"):
        value = float(exponent.evaluate({}))
    if not abs(value) <= _LARGEST_POWER:
        raise SimulationError(f"in `{formula}` the exponent {value:g} of a quantity with dimension {inner} has no meaning")
    return inner**value


def _plain(formula: Expression, of: Mapping[str, Any], what: str) -> None:
    found = dimension(formula, of)
    if found is not None and not same_dimension(found, no_dimension()):
        raise SimulationError(f"{what}, `{formula}`, must be a plain number but is {found}; divide it by a scale")
