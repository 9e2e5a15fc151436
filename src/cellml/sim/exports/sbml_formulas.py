"""Formulas and units of a model in SBML's terms (Level 3 Version 1)."""

from __future__ import annotations

import re
from typing import Any

from cellml.sim.expression import Expression

_RESERVED = {
    "time",
    "avogadro",
    "pi",
    "exponentiale",
    "true",
    "false",
    "inf",
    "infinity",
    "nan",
    "notanumber",
    "delay",
    "rateOf",
    "log10",
    "ln",
}
_KINDS = {
    "molecule": ("item", 0),
    "um": ("metre", -6),
    "s": ("second", 0),
    "mg": ("gram", -3),
    "K": ("kelvin", 0),
    "A": ("ampere", 0),
    "cd": ("candela", 0),
}


def sid(name: str) -> str:
    """An identifier: "everywhere" for "*", other characters as _, and an underscore after words that formulas of SBML reserve."""
    plain = "everywhere" if name == "*" else re.sub(r"\W", "_", name)
    return f"{plain}_" if plain.lower() in _RESERVED or plain[0].isdigit() else plain


def formula(expression: Expression) -> str:
    """A formula as libsbml's parser of Level 3 reads it; what SBML does not have becomes `piecewise`."""
    match expression.op:
        case "number":
            return repr(expression.value)
        case "name":
            return "time" if expression.name == "t" else sid(expression.name)
    a = [formula(argument) for argument in expression.args]
    match expression.op:
        case "neg":
            return f"(-{a[0]})"
        case "+" | "-" | "*" | "/":
            return f"({a[0]} {expression.op} {a[1]})"
        case "**":
            return f"({a[0]})^({a[1]})"
        case "log":
            return f"ln({a[0]})"
        case "min":
            return f"piecewise({a[0]}, {a[0]} < {a[1]}, {a[1]})"
        case "max":
            return f"piecewise({a[0]}, {a[0]} > {a[1]}, {a[1]})"
        case "step":
            return f"piecewise(1, {a[0]} >= 0, 0)"
        case "sign":
            return f"piecewise(1, {a[0]} > 0, -1, {a[0]} < 0, 0)"
        case "pulse":
            return f"piecewise(1, ({a[0]} >= {a[1]}) && ({a[0]} < {a[1]} + {a[2]}), 0)"
        case "hill":
            return f"piecewise(({a[0]})^({a[2]}) / (({a[0]})^({a[2]}) + ({a[1]})^({a[2]})), {a[0]} > 0, 0)"
    return f"{expression.op}({a[0]})"


def math(text: str) -> Any:
    """The tree of a formula."""
    import libsbml

    tree = libsbml.parseL3Formula(text)
    if tree is None:
        raise ValueError(f"{text!r}: {libsbml.getLastParseL3Error()}")
    return tree


def unit(model: Any, coherent: str) -> str:
    """The id of a coherent unit such as "molecule*um**-3", which is defined in the model at its first use."""
    if coherent == "dimensionless":
        return coherent
    name = "unit_" + coherent.replace("**-", "_per_").replace("**", "").replace("*", "_").replace(".", "p")
    if model.getUnitDefinition(name) is None:
        definition = model.createUnitDefinition()
        definition.setId(name)
        for factor in coherent.replace("**", "^").split("*"):
            kind, _, power = factor.partition("^")
            add_unit(definition, *_KINDS[kind], float(power or 1))
    return name


def add_unit(definition: Any, kind: str, scale: int, exponent: float) -> None:
    """Add (10^scale kind)^exponent to a unit definition."""
    import libsbml

    part = definition.createUnit()
    part.setKind(libsbml.UnitKind_forName(kind))
    part.setScale(scale)
    part.setExponent(exponent)
    part.setMultiplier(1.0)
