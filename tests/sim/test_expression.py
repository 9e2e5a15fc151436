from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.sim.errors import SimulationError
from cellml.sim.expression import DEEPEST, FUNCTIONS, LONGEST, Expression, name, number, parse

NAMES = ("a", "b", "k_on")
SMOOTH = ("exp", "log", "sqrt", "sin", "cos", "sinh", "cosh", "tanh")


def _grown(children: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    one = st.tuples(st.sampled_from(("neg", "abs", "sign", "step", *SMOOTH)), st.tuples(children))
    two = st.tuples(st.sampled_from(("+", "-", "*", "/", "**", "min", "max")), st.tuples(children, children))
    three = st.tuples(st.sampled_from(("hill", "pulse")), st.tuples(children, children, children))
    return st.one_of(one, two, two, three).map(lambda parts: Expression(parts[0], parts[1]))


_numbers = st.floats(0.0, 1e6, allow_subnormal=False).map(number)
formulas = st.recursive(st.one_of(_numbers, st.sampled_from(NAMES).map(name)), _grown, max_leaves=12)


def in_plain_python(formula: Expression, values: Mapping[str, float]) -> float:
    """A formula of numbers by Python's own arithmetic, written out; raises ArithmeticError or ValueError where there is no value."""
    if formula.op == "number":
        return formula.value
    if formula.op == "name":
        return values[formula.name]
    a, *rest = (in_plain_python(argument, values) for argument in formula.args)
    if formula.op in ("+", "-", "*", "/", "**"):
        (b,) = rest
        return _infix(formula.op, a, b)
    if formula.op == "neg":
        return -a
    if formula.op == "sign":
        return 0.0 if a == 0 else math.copysign(1.0, a)
    if formula.op == "step":
        return 1.0 if a >= 0 else 0.0
    if formula.op == "hill":
        power, half = (_infix("**", base, rest[1]) for base in (max(a, 0.0), rest[0]))
        return 0.0 if a <= 0 else power / (power + half)
    if formula.op == "pulse":
        return 1.0 if rest[0] <= a < rest[0] + rest[1] else 0.0
    if formula.op in ("min", "max", "abs"):
        return {"min": min, "max": max, "abs": abs}[formula.op](a, *rest)
    return getattr(math, formula.op)(a)


def _infix(op: str, a: float, b: float) -> float:
    if op == "**":
        power = a**b
        if isinstance(power, complex):
            raise ValueError
        return power
    return {"+": a + b, "-": a - b, "*": a * b}[op] if op != "/" else a / b


# (formula, what Python makes of it)
ARITHMETIC = [
    ("-a**2", -9.0),
    ("(-a)**2", 9.0),
    ("2**-a", 0.125),
    ("2^3^2", 512.0),
    ("(2^3)^2", 64.0),
    ("a - (b - 1)", -1.0),
    ("a - b - 1", -3.0),
    ("a/(b*2)", 0.3),
    ("a/b*2", 1.2),
    ("a*-b", -15.0),
    ("- -a", 3.0),
    ("+a", 3.0),
    ("1.5e-3 * 2E3", 3.0),
    (".5*a", 1.5),
    ("max(a, b) - min(a, b)", 2.0),
    ("hill(a, b, 2)", 9 / 34),
    ("hill(-a, b, 2)", 0.0),
    ("pulse(a, 3, 1)", 1.0),
    ("pulse(a, 2, 1)", 0.0),
    ("pulse(a, 1, 1.5)", 0.0),
    ("step(a - 3) + sign(-b) + abs(-b)", 5.0),
    ("log(exp(a)) + sqrt(b*b) + sin(0) + cos(0) + tanh(0) + sinh(0) + cosh(0)", 10.0),
]


@pytest.mark.parametrize(("text", "value"), ARITHMETIC)
def test_arithmetic_follows_the_usual_precedence(text, value):
    assert parse(text).evaluate({"a": 3.0, "b": 5.0}) == pytest.approx(value, rel=1e-14)


@settings(deadline=None)  # a busy machine is no failure
@given(formulas)
def test_a_formula_printed_and_read_again_is_the_same_tree(formula):
    assert parse(str(formula)) == formula


@settings(deadline=None)  # a busy machine is no failure
@given(formulas, st.tuples(*[st.floats(-50.0, 50.0)] * 3))
def test_values_equal_those_of_plain_python(formula, numbers):
    values = dict(zip(("a", "b", "k_on"), numbers, strict=True))
    try:
        expected = in_plain_python(formula, values)
    except (ArithmeticError, ValueError):
        return
    with np.errstate(all="ignore"):
        found = float(formula.evaluate(values))
    if math.isfinite(expected) and math.isfinite(found):
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


@settings(deadline=None)  # a busy machine is no failure
@given(formulas)
def test_arrays_are_evaluated_element_by_element(formula):
    grid = np.array([0.25, 1.0, 2.5])
    with np.errstate(all="ignore"):
        together = np.broadcast_to(formula.evaluate({"a": grid, "b": 2.0, "k_on": grid[::-1]}), (3,))
        one_by_one = [formula.evaluate({"a": p, "b": 2.0, "k_on": q}) for p, q in zip(grid, grid[::-1], strict=True)]
    np.testing.assert_allclose(together, one_by_one, rtol=1e-12, atol=1e-300)


def test_names_and_renaming():
    formula = parse("k_on*A*B - hill(A, K, 2)")
    assert formula.names == {"k_on", "A", "B", "K"}
    assert formula.renamed({"A": "x"}) == parse("k_on*x*B - hill(x, K, 2)")
    assert formula.depth == 4
    assert (number(2).depth, name("a").names) == (1, {"a"})


def test_a_steep_hill_function_does_not_overflow():
    assert parse("hill(c, 1, 8)").evaluate({"c": 1e200}) == 1.0
    assert parse("hill(c, 1e9, 40)").evaluate({"c": 1.0}) == 0.0


ATTACKS = [
    "__import__('os').system('true')",
    "__import__(os)",
    "().__class__",
    "a.__class__",
    "a.b",
    "a[0]",
    "[a]",
    "{a}",
    "(a, b)",
    "lambda: 1",
    "lambda a: a",
    "(a := 1)",
    "a if b else c",
    "a and b",
    "not a",
    "a < b",
    "a == b",
    "a // b",
    "a @ b",
    "a % b",
    "~a",
    "f'{a}'",
    "'a'",
    '"a"',
    "exec(a)",
    "eval(a)",
    "open(a)",
    "exp(*a)",
    "exp(**a)",
    "exp(x=1)",
    "exp(a)(b)",
    "exp()(a)",
    "exp",
    "True",
    "None",
    "...",
    "1j",
    "a # b",
    "a; b",
    "a\nb",
    "a\\\nb",
    "yield a",
    "await a",
    "[i for i in a]",
    "a b",
    "2a",
    "é + 1",
    "\N{MATHEMATICAL BOLD SMALL A} + 1",
    "\0",
    "",
    "   ",
    "(",
    "1e400",
    "1e300",
    "9" * 400,
    "9" * 5000,
    "exp(a, b)",
    "hill(a, b)",
    "min(a)",
]


@pytest.mark.parametrize("text", [t for t in ATTACKS if t != "exp"])
def test_nothing_but_formulas_is_read(text):
    with pytest.raises(SimulationError):
        parse(text)


@pytest.mark.parametrize("value", [None, True, [], {}, b"a", object()])
def test_only_text_and_numbers_are_formulas(value):
    with pytest.raises(SimulationError, match="a formula is needed"):
        parse(value)


def test_a_call_of_something_else_is_named_and_never_made(monkeypatch):
    monkeypatch.setattr("builtins.__import__", lambda *a, **k: pytest.fail("something was imported"))
    with pytest.raises(SimulationError, match="'__import__' is not a function of formulas; there are exp"):
        parse("__import__(os)")


@pytest.mark.parametrize(
    "text", ["(" * 400 + "a" + ")" * 400, "-" * 3000 + "a", "a" + "+a" * 4000, "a" + "**a" * 500, "sin(" * 150 + "a" + ")" * 150]
)
def test_deep_nesting_is_refused(text):
    with pytest.raises(SimulationError):
        parse(text)


def test_the_deepest_formula_can_still_be_used():
    chain = parse("a" + "+a" * (DEEPEST - 1))
    assert chain.depth == DEEPEST
    assert chain.evaluate({"a": 1.0}) == DEEPEST
    assert parse(str(chain)) == chain
    with pytest.raises(SimulationError, match=f"{DEEPEST + 1} levels"):
        parse(f"{chain} + a")


def test_a_long_formula_is_refused_by_its_length():
    with pytest.raises(SimulationError, match=f"has {LONGEST + 1} characters"):
        parse("a" * (LONGEST + 1))


def test_every_function_says_how_many_arguments_it_takes():
    for function, (count, _) in FUNCTIONS.items():
        assert parse(f"{function}({', '.join('a' * count)})") == Expression(function, (name("a"),) * count)
        with pytest.raises(SimulationError, match=f"{function} takes {count}"):
            parse(f"{function}({', '.join('a' * (count + 1))})")
