from __future__ import annotations

import pytest

from cellml.sim.dimension import dimension, same_dimension
from cellml.sim.errors import SimulationError
from cellml.sim.expression import parse
from cellml.sim.quantities import dimension_of

KNOWN = {
    name: dimension_of(unit)
    for name, unit in {
        "c": "uM",
        "K": "molecule/um^3",
        "s": "molecule/um^2",
        "D": "um^2/s",
        "k": "1/s",
        "k2": "1/(uM*s)",
        "x": "um",
        "t": "s",
        "n": "dimensionless",
    }.items()
}


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("k2*c*s", "molecule/um^2/s"),
        ("k*c", "uM/s"),
        ("k*(c - K)", "uM/s"),
        ("c/(c + K)", "dimensionless"),
        ("c**2/(c^2 + K**2)", "dimensionless"),
        ("k*s*hill(c, K, n)", "molecule/um^2/s"),
        ("exp(-k*t)", "dimensionless"),
        ("c*exp(-x**2/(D*t))", "uM"),
        ("sqrt(D*t)", "um"),
        ("(D*t)**(1/2)", "um"),
        ("(D*t)**-0.5", "1/um"),
        ("x**0.1*x**0.2/x**0.3", "dimensionless"),
        ("n**n", "dimensionless"),
        ("max(c, 0)", "uM"),
        ("min(0, c)", "uM"),
        ("abs(-c)", "uM"),
        ("sign(c) + step(c)", "dimensionless"),
        ("pulse(t, 0, t)", "dimensionless"),
        ("c + 0", "uM"),
        ("0/k + t", "s"),
        ("c*2", "uM"),
        ("0.5", "dimensionless"),
    ],
)
def test_the_dimension_of_a_formula(text, unit):
    assert same_dimension(dimension(parse(text), KNOWN), dimension_of(unit))


@pytest.mark.parametrize("text", ["0", "0*c", "-0", "0 + 0", "0*c + 0*t", "abs(0)", "0/c"])
def test_a_zero_has_every_dimension(text):
    assert dimension(parse(text), KNOWN) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("c + s", r"in `c \+ s`, `c` is \[substance\] / \[length\] \*\* 3 but `s` is \[substance\] / \[length\] \*\* 2"),
        ("c + 1", r"`c` is .* but `1.0` is dimensionless"),
        ("0 + c - t", r"`t` is \[time\]"),
        ("k*(c - t)", "in `c - t`"),
        ("min(c, t)", "`t` is"),
        ("exp(t)", r"the argument of exp, `t`, must be a plain number but is \[time\]; divide it by a scale"),
        ("log(c/s)", "the argument of log"),
        ("n**t", r"the exponent in `n \*\* t`"),
        ("c**n", "exponent that is not a plain number"),
        ("c**1e9", "the exponent 1e.09 of a quantity"),
        ("c**(1/0)", "the exponent inf"),
        ("hill(c, s, n)", "`s` is"),
        ("hill(c, K, t)", "the exponent of hill"),
        ("pulse(t, x, t)", "`x` is"),
        ("c*q", "'q' is not known here; known: D, K"),
    ],
)
def test_what_does_not_fit_is_named(text, message):
    with pytest.raises(SimulationError, match=message):
        dimension(parse(text), KNOWN)
