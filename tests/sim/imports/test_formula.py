from __future__ import annotations

import libsbml
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.sim.errors import SimulationError
from cellml.sim.expression import name, number, parse
from cellml.sim.imports.formula import per_size, to_formula

FORMULAS = [
    "a + b*c - d/2",
    "-(a - b)",
    "a^2 + a^(-b)",
    "pow(a, 3)",
    "root(3, a) + sqrt(b)",
    "exp(-a) + ln(b) + log10(c) + log(2, d)",
    "abs(a - b) + sin(c) + tan(d)",
    "min(a, b, c) + max(a, b, c, d)",
    "plus(a, b, c) * times(a, b, c)",
    "piecewise(a, b < c, d)",
    "piecewise(a, b <= c, b, c > d, c, a >= d, d)",
    "piecewise(a, b < c && c < d, b, a < b || b < c, c)",
    "piecewise(a, !(b < c), d)",
    "piecewise(a, true, b)",
    "pi*a + time",
]


def ours(text: str):
    return to_formula(libsbml.parseL3Formula(text), name, lambda value, unit: number(value))


@pytest.mark.parametrize("text", FORMULAS)
@settings(deadline=None)  # a busy machine is no failure
@given(numbers=st.tuples(*[st.sampled_from([0.25, 0.5, 1.0, 1.5, 3.0])] * 5))
def test_values_equal_those_of_the_mathematics_of_sbml(sbml, text, numbers):
    values = dict(zip(("a", "b", "c", "d", "time"), numbers, strict=True))
    expected = sbml.evaluate(libsbml.parseL3Formula(text), values)
    formula = ours(text)
    assert float(formula.evaluate({**values, "t": values["time"]})) == pytest.approx(expected, rel=1e-12, abs=1e-14)
    assert parse(str(formula)) == formula


@pytest.mark.parametrize("text", ["factorial(a)", "floor(a)", "arcsin(a)", "delay(a, 1)", "a && b", "quotient(a, b)", "f(a)"])
def test_functions_without_a_counterpart_are_named(text):
    with pytest.raises(SimulationError, match="has no counterpart"):
        ours(text)


@pytest.mark.parametrize(
    ("law", "rate"),
    [
        ("V*k*A", "k*A"),
        ("k*A*V", "k*A"),
        ("k*(V*A)", "k*A"),
        ("V*(k*A - l*B)", "k*A - l*B"),
        ("V*k*A - V*l*B", "k*A - l*B"),
        ("-(V*k)", "-k"),
        ("V*k/(K + A)", "k/(K + A)"),
        ("V", "1"),
        ("k*A", "k*A/V"),
        ("k/V", "k/V/V"),
        ("V*k + l", "(V*k + l)/V"),
    ],
)
def test_a_size_is_taken_out_where_it_is_a_factor(law, rate):
    found = per_size(parse(law), "V")
    assert found == parse(rate)
    random = np.random.default_rng(0).random(6) + 0.5
    values = dict(zip("VkAlBK", random, strict=True))
    assert found.evaluate(values) * values["V"] == pytest.approx(float(parse(law).evaluate(values)))
