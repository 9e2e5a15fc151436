from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cellml.sim.derivative import ONE, ZERO, derivative, negative, over, plus, power, times
from cellml.sim.expression import DEEPEST, FUNCTIONS, Expression, name, number, parse


def _grown(children):
    one = st.tuples(st.sampled_from([f for f, (count, _) in FUNCTIONS.items() if count == 1] + ["neg"]), st.tuples(children))
    two = st.tuples(st.sampled_from(["+", "-", "*", "/", "**", "min", "max"]), st.tuples(children, children))
    three = st.tuples(st.sampled_from(["hill", "pulse"]), st.tuples(children, children, children))
    return st.one_of(one, two, two, three).map(lambda parts: Expression(*parts))


formulas = st.recursive(
    st.one_of(st.floats(0.1, 3.0).map(number), st.sampled_from(["a", "a", "b", "k_on"]).map(name)), _grown, max_leaves=8
)

POINT = {"a": 0.7, "b": 1.9, "c": -1.3, "n": 2.5}

# (formula, by, the derivative by hand)
BY_HAND = [
    ("a + b", "a", "1"),
    ("a - b", "b", "-1"),
    ("a*b", "a", "b"),
    ("a/b", "b", "-a/b**2"),
    ("-a", "a", "-1"),
    ("a**3", "a", "3*a**2"),
    ("b**n", "n", "b**n*log(b)"),
    ("exp(2*a)", "a", "2*exp(2*a)"),
    ("log(a*b)", "b", "1/b"),
    ("sqrt(a)", "a", "0.5/sqrt(a)"),
    ("sin(a*b)", "a", "b*cos(a*b)"),
    ("cos(a)", "a", "-sin(a)"),
    ("sinh(a)", "a", "cosh(a)"),
    ("cosh(a)", "a", "sinh(a)"),
    ("tanh(a)", "a", "1 - tanh(a)**2"),
    ("abs(c)", "c", "-1"),
    ("sign(a)", "a", "0"),
    ("step(a)", "a", "0"),
    ("pulse(a, 0, 1)", "a", "0"),
    ("min(a, 2*b)", "a", "1"),
    ("min(3*a, b)", "b", "1"),
    ("max(a, 2*b)", "b", "2"),
    ("hill(a, b, n)", "a", "n*a**(n-1)*b**n/(a**n + b**n)**2"),
    ("hill(a, b, n)", "b", "-n*a**n*b**(n-1)/(a**n + b**n)**2"),
    ("hill(a, b, n)", "n", "a**n*b**n*log(a/b)/(a**n + b**n)**2"),
    ("hill(c, b, n)", "c", "0"),
]


@pytest.mark.parametrize(("text", "by", "expected"), BY_HAND)
def test_derivatives_equal_those_by_hand(text, by, expected):
    found = derivative(parse(text), by).evaluate(POINT)
    assert found == pytest.approx(float(parse(expected).evaluate(POINT)), rel=1e-13, abs=1e-15)


def test_every_function_has_a_derivative_by_hand():
    assert set(FUNCTIONS) <= {text.partition("(")[0] for text, _, _ in BY_HAND}


@settings(deadline=None)  # a busy machine is no failure
@given(formulas, st.tuples(*[st.floats(0.2, 3.0)] * 3))
def test_derivatives_equal_differences(formula, numbers):
    values = dict(zip(("a", "b", "k_on"), numbers, strict=True))

    def at(x: float) -> float:
        return float(formula.evaluate({**values, "a": x}))

    with np.errstate(all="ignore"):
        x, steps = values["a"], (1e-4, 5e-5)
        coarse, fine = ((at(x + h) - at(x - h)) / (2 * h) for h in steps)
        kink = (at(x + steps[1]) - 2 * at(x) + at(x - steps[1])) / steps[1]
        found, size = float(derivative(formula, "a").evaluate(values)), abs(at(x))
    # Only where differences of two steps and of both sides agree is the formula smooth enough around the point.
    assume(math.isfinite(coarse) and math.isfinite(fine) and math.isfinite(found) and size < 1e6)
    scale = abs(fine) + 1e-3 * size + 1e-6
    assume(abs(coarse - fine) < 1e-5 * scale and abs(kink) < 1e-2 * scale)
    assert found == pytest.approx(fine, rel=1e-4, abs=1e-4 * scale)


def test_derivatives_at_zero_have_no_holes():
    assert derivative(parse("hill(c, 2, 1)"), "c").evaluate({"c": 0.0}) == pytest.approx(0.5)
    assert derivative(parse("hill(c, 2, 2)"), "c").evaluate({"c": 0.0}) == 0.0
    assert derivative(parse("c**n"), "n").evaluate({"c": 0.0, "n": 2.0}) == 0.0
    assert derivative(parse("c**2"), "c").evaluate({"c": 0.0}) == 0.0


def test_unknown_names_and_constants_have_none():
    assert derivative(parse("a*b"), "z") == ZERO
    assert derivative(parse("3"), "a") == ZERO


def test_zeros_and_ones_are_left_out():
    a, b = name("a"), name("b")
    assert derivative(parse("k*a*b"), "a") == parse("k*b")
    assert derivative(parse("a**2"), "a") == parse("2*a")
    assert (plus(ZERO, a), plus(a, ZERO), times(ONE, a), times(a, ZERO), over(a, ONE), power(a, ONE), power(a, ZERO)) == (
        a,
        a,
        a,
        ZERO,
        a,
        a,
        ONE,
    )
    assert (negative(negative(a)), negative(number(2)), plus(a, negative(b))) == (a, number(-2), parse("a - b"))


@pytest.mark.parametrize(
    "text",
    [
        "a" + "*a" * (DEEPEST - 1),
        "a" + "**a" * (DEEPEST - 1),
        "sin(" * (DEEPEST - 1) + "a" + ")" * (DEEPEST - 1),
        "a" + "/b" * (DEEPEST - 1),
    ],
)
def test_the_deepest_formulas_can_be_derived_and_evaluated(text):
    with np.errstate(all="ignore"):
        assert not math.isnan(float(derivative(parse(text), "a").evaluate({"a": 1.0, "b": 1.0})))
