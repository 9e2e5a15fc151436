"""Mathematics of SBML as formulas of a model file."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from cellml.sim.errors import SimulationError
from cellml.sim.expression import Expression, name, number

Symbols = Callable[[str], Expression]
Literal = Callable[[float, str], Expression]

_ONE = number(1.0)
_SAME = ("exp", "sin", "cos", "sinh", "cosh", "tanh", "abs", "min", "max")


def to_formula(node: Any, symbol: Symbols, literal: Literal) -> Expression:
    """An `ASTNode` of libsbml as a formula.

    symbol: what stands for an SBML id; literal: what stands for a number and the name of its unit ("" if it has none). Piecewise functions
    become products with `step`.
    Raises SimulationError, by name, for whatever the grammar of model files lacks: delay, factorial, floor and others.
    """
    import libsbml

    kind = node.getType()
    # Exponents, degrees of roots and bases of logarithms are plain numbers.
    plain = {libsbml.AST_POWER: 1, libsbml.AST_FUNCTION_POWER: 1, libsbml.AST_FUNCTION_ROOT: 0, libsbml.AST_FUNCTION_LOG: 0}.get(kind)

    def children() -> list[Expression]:
        parts = [node.getChild(i) for i in range(node.getNumChildren())]
        return [number(p.getValue()) if p.isNumber() and i == plain else to_formula(p, symbol, literal) for i, p in enumerate(parts)]

    if node.isNumber():
        return literal(float(node.getValue()), node.getUnits())
    if kind == libsbml.AST_NAME_TIME:
        return name("t")
    if kind == libsbml.AST_NAME:
        return symbol(node.getName())
    if kind in (libsbml.AST_CONSTANT_PI, libsbml.AST_CONSTANT_E):
        return number(math.pi if kind == libsbml.AST_CONSTANT_PI else math.e)
    if kind == libsbml.AST_FUNCTION_PIECEWISE:
        return _piecewise(node, symbol, literal)
    operators: Mapping[int, Callable[[list[Expression]], Expression]] = {
        libsbml.AST_PLUS: lambda a: _chain("+", a, number(0.0)),
        libsbml.AST_TIMES: lambda a: _chain("*", a, _ONE),
        libsbml.AST_MINUS: lambda a: Expression("neg", (a[0],)) if len(a) == 1 else Expression("-", (a[0], a[1])),
        libsbml.AST_DIVIDE: lambda a: Expression("/", (a[0], a[1])),
        libsbml.AST_POWER: lambda a: Expression("**", (a[0], a[1])),
        libsbml.AST_FUNCTION_POWER: lambda a: Expression("**", (a[0], a[1])),
        libsbml.AST_FUNCTION_ROOT: lambda a: _root(a),
        libsbml.AST_FUNCTION_LN: lambda a: Expression("log", (a[0],)),
        libsbml.AST_FUNCTION_LOG: lambda a: Expression("/", (Expression("log", (a[1],)), Expression("log", (a[0],)))),
        libsbml.AST_FUNCTION_TAN: lambda a: Expression("/", (Expression("sin", (a[0],)), Expression("cos", (a[0],)))),
    }
    if kind in operators:
        return operators[kind](children())
    called = str(node.getName() or libsbml.formulaToL3String(node)).partition("(")[0]
    if called in _SAME and kind != libsbml.AST_FUNCTION:
        return _chain(called, children(), _ONE) if called in ("min", "max") else Expression(called, tuple(children()))
    raise SimulationError(f"{called!r} has no counterpart in formulas of a model file ({libsbml.formulaToL3String(node)})")


def _chain(op: str, operands: list[Expression], empty: Expression) -> Expression:
    return reduce(lambda a, b: Expression(op, (a, b)), operands) if operands else empty


def _root(operands: list[Expression]) -> Expression:
    """root(degree, radicand)."""
    degree, radicand = operands if len(operands) == 2 else (number(2.0), operands[0])
    if degree == number(2.0):
        return Expression("sqrt", (radicand,))
    return Expression("**", (radicand, Expression("/", (_ONE, degree))))


def _piecewise(node: Any, symbol: Symbols, literal: Literal) -> Expression:
    """piecewise(v₁, c₁, v₂, c₂, …, otherwise) as c₁ v₁ + (1 − c₁)(c₂ v₂ + (1 − c₂)(…))."""
    count = node.getNumChildren()
    if count % 2 == 0:
        raise SimulationError("a piecewise function without a last value for all other cases has no counterpart; add one")
    value = to_formula(node.getChild(count - 1), symbol, literal)
    for i in range(count - 3, -1, -2):
        chosen = _condition(node.getChild(i + 1), symbol, literal)
        here = to_formula(node.getChild(i), symbol, literal)
        value = Expression("+", (Expression("*", (chosen, here)), Expression("*", (_not(chosen), value))))
    return value


def _condition(node: Any, symbol: Symbols, literal: Literal) -> Expression:
    """1 where a condition holds, 0 elsewhere."""
    import libsbml

    kind = node.getType()
    parts = [node.getChild(i) for i in range(node.getNumChildren())]
    if kind in (libsbml.AST_CONSTANT_TRUE, libsbml.AST_CONSTANT_FALSE):
        return number(1.0 if kind == libsbml.AST_CONSTANT_TRUE else 0.0)
    if kind == libsbml.AST_LOGICAL_NOT:
        return _not(_condition(parts[0], symbol, literal))
    if kind in (libsbml.AST_LOGICAL_AND, libsbml.AST_LOGICAL_OR):
        conditions = [_condition(part, symbol, literal) for part in parts]
        if kind == libsbml.AST_LOGICAL_AND:
            return _chain("*", conditions, _ONE)
        return _not(_chain("*", [_not(c) for c in conditions], _ONE))
    if len(parts) == 2 and kind in (
        libsbml.AST_RELATIONAL_GEQ,
        libsbml.AST_RELATIONAL_GT,
        libsbml.AST_RELATIONAL_LEQ,
        libsbml.AST_RELATIONAL_LT,
    ):
        a, b = (to_formula(part, symbol, literal) for part in parts)
        at_least = kind in (libsbml.AST_RELATIONAL_GEQ, libsbml.AST_RELATIONAL_LT)
        step = Expression("step", (Expression("-", (a, b) if at_least else (b, a)),))
        return step if kind in (libsbml.AST_RELATIONAL_GEQ, libsbml.AST_RELATIONAL_LEQ) else _not(step)
    raise SimulationError(f"the condition {libsbml.formulaToL3String(node)} has no counterpart; use <, <=, >, >=, and, or, not")


def _not(condition: Expression) -> Expression:
    return Expression("-", (_ONE, condition))


def per_size(law: Expression, size: str) -> Expression:
    """Law / size, with the size taken out of products and sums where it stands as a factor."""
    without = _without(law, size)
    return without if without is not None else Expression("/", (law, name(size)))


def _without(formula: Expression, size: str) -> Expression | None:
    """The formula divided by a factor, or None if it has no such factor."""
    if formula == name(size):
        return _ONE
    if formula.op in ("+", "-"):
        left, right = (_without(a, size) for a in formula.args)
        return Expression(formula.op, (left, right)) if left is not None and right is not None else None
    if formula.op == "neg":
        inner = _without(formula.args[0], size)
        return Expression("neg", (inner,)) if inner is not None else None
    if formula.op == "*":
        for i in (0, 1):
            inner, other = _without(formula.args[i], size), formula.args[1 - i]
            if inner is not None:
                return other if inner == _ONE else Expression("*", (inner, other) if i == 0 else (other, inner))
    if formula.op == "/":
        inner = _without(formula.args[0], size)
        return Expression("/", (inner, formula.args[1])) if inner is not None else None
    return None
