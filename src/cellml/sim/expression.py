"""Formulas of model files: a restricted grammar, parsed to a tree; nothing is ever handed to Python's own evaluation.

    sum     = product { ("+" | "-") product }
    product = power { ("*" | "/") power }
    power   = "-" power | atom [ ("**" | "^") power ]
    atom    = number | name | function "(" sum { "," sum } ")" | "(" sum ")"

Python's parser does the parsing; of the tree that it gives only these forms are taken over.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cellml.sim.errors import SimulationError

LONGEST = 10_000  # characters
DEEPEST = 100  # levels, so that derivatives of derivatives stay within Python's limit of recursion
LARGEST = 1e300  # of a number in a formula
_CHARACTERS = re.compile(r"[\w\s+\-*/^().,]+", re.ASCII)
_INFIX = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
_BINDING = {"+": 1, "-": 1, "*": 2, "/": 2, "neg": 3, "**": 4}


def _hill(c: Any, K: Any, n: Any) -> Any:
    # 1 / (1 + (K/c)ⁿ) does not overflow where cⁿ would.
    positive = np.maximum(c, 1e-200)
    with np.errstate(over="ignore"):
        share = 1.0 / (1.0 + np.power(np.true_divide(K, positive), n))
    return np.where(np.greater(c, 0.0), share, 0.0)[()]


# The functions of the grammar: number of arguments, and what they do to arrays.
FUNCTIONS: Mapping[str, tuple[int, Callable[..., Any]]] = {
    "exp": (1, np.exp),
    "log": (1, np.log),
    "sqrt": (1, np.sqrt),
    "sin": (1, np.sin),
    "cos": (1, np.cos),
    "sinh": (1, np.sinh),
    "cosh": (1, np.cosh),
    "tanh": (1, np.tanh),
    "abs": (1, np.abs),
    "sign": (1, np.sign),
    "step": (1, lambda x: np.heaviside(x, 1.0)),  # 1 from 0 on
    "min": (2, np.minimum),
    "max": (2, np.maximum),
    "hill": (3, _hill),  # cⁿ / (cⁿ + Kⁿ), 0 for negative c
    "pulse": (3, lambda t, begin, length: np.heaviside(t - begin, 1.0) * np.heaviside(begin + length - t, 0.0)),
}


@dataclass(frozen=True)
class Expression:
    """A node of a formula.

    op: "number", "name", "neg", one of + - * / **, or a function of FUNCTIONS; args: its operands; value: of a number; name: of a name.
    """

    op: str
    args: tuple[Expression, ...] = ()
    value: float = 0.0
    name: str = ""

    @cached_property
    def names(self) -> frozenset[str]:
        """All names that stand in the formula."""
        return frozenset({self.name}) if self.op == "name" else frozenset().union(*(a.names for a in self.args))

    @cached_property
    def depth(self) -> int:
        """Levels of the tree: 1 for a number or a name."""
        return 1 + max((a.depth for a in self.args), default=0)

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """The value with numbers or numpy arrays for the names (arrays broadcast). KeyError for a name without a value."""
        if self.op == "number":
            return self.value
        if self.op == "name":
            return values[self.name]
        operands = [a.evaluate(values) for a in self.args]
        match self.op:
            case "+":
                return operands[0] + operands[1]
            case "-":
                return operands[0] - operands[1]
            case "*":
                return operands[0] * operands[1]
            case "/":
                return np.true_divide(operands[0], operands[1])
            case "**":
                return np.power(np.asarray(operands[0], dtype=float), operands[1])[()]
            case "neg":
                return -operands[0]
        return FUNCTIONS[self.op][1](*operands)

    def renamed(self, names: Mapping[str, str]) -> Expression:
        """The formula with other names; those that are not mapped stay."""
        if self.op == "name":
            return Expression("name", name=names.get(self.name, self.name))
        return Expression(self.op, tuple(a.renamed(names) for a in self.args), self.value)

    def __str__(self) -> str:
        if self.op == "number":
            return repr(self.value)
        if self.op == "name":
            return self.name
        if self.op not in _BINDING:
            return f"{self.op}({', '.join(map(str, self.args))})"
        if self.op == "neg":
            return f"-{self._operand(0, tight=True)}"
        left, right = self._operand(0, tight=self.op == "**"), self._operand(1, tight=self.op != "**")
        return f"{left} {self.op} {right}"

    def _operand(self, number: int, *, tight: bool) -> str:
        inner, mine = self.args[number], _BINDING[self.op]
        theirs = _BINDING.get(inner.op, 3 if inner.op == "number" and inner.value < 0 else 9)
        return f"({inner})" if theirs < mine or (tight and theirs == mine) else str(inner)


def number(value: float) -> Expression:
    """A constant."""
    return Expression("number", value=float(value))


def name(text: str) -> Expression:
    """A name."""
    return Expression("name", name=text)


def parse(text: str | float) -> Expression:
    """Read a formula. Raises SimulationError, with the offending part, for anything outside the grammar.

    str() of the result is a formula that is read as the same tree.
    """
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return number(text)
    if not isinstance(text, str) or not text.strip():
        raise SimulationError(f"a formula is needed, found {text!r}")
    if len(text) > LONGEST:
        raise SimulationError(f"this formula has {len(text)} characters; at most {LONGEST} are read")
    stranger = _CHARACTERS.sub("", text)
    if stranger:
        raise SimulationError(f"{_short(text)} is not a formula: {stranger[0]!r} has no meaning in it")
    source = " ".join(text.split()).replace("^", "**")
    try:
        tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError):
        raise SimulationError(f"{_short(text)} is not a formula; write for example k_on*A*B - k_off*C") from None
    except (RecursionError, MemoryError):
        raise SimulationError(f"{_short(text)} is nested too deeply; {_DEEP}") from None
    try:
        return not_too_deep(_taken(tree, source))
    except RecursionError:
        raise SimulationError(f"{_short(text)} is nested too deeply; {_DEEP}") from None


_DEEP = f"at most {DEEPEST} levels are read, and each operator in a chain a + b + c is one: put brackets around halves of it"


def not_too_deep(formula: Expression) -> Expression:
    """The formula itself. Raises SimulationError if its tree has more than DEEPEST levels."""
    if formula.depth > DEEPEST:
        raise SimulationError(f"{_short(str(formula))} is nested too deeply, {formula.depth} levels; {_DEEP}")
    return formula


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")


def _taken(node: ast.expr, source: str) -> Expression:
    """A node of Python's tree as ours."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and type(node.value) is not bool and node.value < LARGEST:
        return number(node.value)
    if isinstance(node, ast.Name):
        return name(node.id)
    if isinstance(node, ast.BinOp) and type(node.op) in _INFIX:
        return Expression(_INFIX[type(node.op)], (_taken(node.left, source), _taken(node.right, source)))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return Expression("neg", (_taken(node.operand, source),))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd):
        return _taken(node.operand, source)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _called(node, node.func.id, source)
    part = ast.get_source_segment(source, node) or source
    raise SimulationError(f"{_short(part)} is not allowed in a formula: there are numbers, names, + - * / **, and {', '.join(FUNCTIONS)}")


def _called(node: ast.Call, function: str, source: str) -> Expression:
    if function not in FUNCTIONS:
        raise SimulationError(f"{function!r} is not a function of formulas; there are {', '.join(FUNCTIONS)}")
    needed = FUNCTIONS[function][0]
    if len(node.args) != needed:
        raise SimulationError(f"{function} takes {needed} argument{'s' if needed > 1 else ''}, found {len(node.args)}")
    return Expression(function, tuple(_taken(a, source) for a in node.args))
