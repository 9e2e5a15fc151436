from __future__ import annotations

import pytest

from cellml.sim.expression import parse
from cellml.sim.imports.inference import BASES, exponents_of, infer
from cellml.sim.quantities import dimension_of

KNOWN = {name: exponents_of(dimension_of(unit)) for name, unit in {"A": "uM", "B": "uM", "X": "molecule/um^2", "t": "s"}.items()}
BULK, SURFACE = "uM/s", "molecule/um^2/s"


@pytest.mark.parametrize(
    ("text", "of", "units"),
    [
        ("k*A*B", BULK, {"k": "1/(uM*s)"}),
        ("k*A*X", SURFACE, {"k": "1/(uM*s)"}),
        ("v*A/(K + A)", BULK, {"v": "uM/s", "K": "uM"}),
        ("v*A**2/(K**2 + A**2)", BULK, {"v": "uM/s", "K": "uM"}),
        ("v*hill(A, K, n)", BULK, {"v": "uM/s", "K": "uM", "n": "dimensionless"}),
        ("k*A*exp(-t/tau)", BULK, {"k": "1/s", "tau": "s"}),
        ("k*max(A - base, 0)", BULK, {"k": "1/s", "base": "uM"}),
        ("k*A*pulse(t, on, on)", BULK, {"k": "1/s", "on": "s"}),
        ("2*k*A", BULK, {"k": "1/s"}),
    ],
)
def test_dimensions_follow_from_the_equations(text, of, units):
    found = infer(list(units), KNOWN, [(parse(text), exponents_of(dimension_of(of)))])
    for name, unit in units.items():
        assert [found[name][base] for base in BASES] == pytest.approx([dimension_of(unit).get(base, 0) for base in BASES], abs=1e-6), name


def test_numbers_take_a_dimension_only_where_nothing_else_can():
    alone = infer(["n"], KNOWN, [(parse("sin(t/n)"), None)], reluctant=["n"])
    assert alone["n"] == {"[length]": 0.0, "[substance]": 0.0, "[time]": 1.0}
    spare = infer(["k", "n"], KNOWN, [(parse("n*k*A"), exponents_of(dimension_of(BULK)))], reluctant=["n"])
    assert not any(spare["n"].values()) and spare["k"]["[time]"] == -1.0


def test_what_no_equation_touches_is_a_plain_number():
    assert infer(["n"], KNOWN, []) == {"n": dict.fromkeys(BASES, 0.0)}
    assert infer([], KNOWN, []) == {}
