from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.sim.equation import mass_action, net_rate, parse_equation
from cellml.sim.errors import SimulationError
from cellml.sim.expression import name, parse

sides = st.dictionaries(st.sampled_from(["A", "B", "C_2", "_x"]), st.integers(1, 99), max_size=4)


@pytest.mark.parametrize(
    ("text", "left", "right", "both"),
    [
        ("A + 2 B <-> C", {"A": 1, "B": 2}, {"C": 1}, True),
        ("A->0", {"A": 1}, {}, False),
        ("∅ -> A", {}, {"A": 1}, False),
        (" -> A", {}, {"A": 1}, False),
        ("A + A -> A", {"A": 2}, {"A": 1}, False),
        ("2*A -> 3B", {"A": 2}, {"B": 3}, False),
    ],
)
def test_equations_are_read(text, left, right, both):
    assert parse_equation(text) == (left, right, both)


@settings(deadline=None)  # a busy machine is no failure
@given(sides, sides, st.booleans())
def test_a_written_equation_is_read_as_it_was_meant(left, right, both):
    written = f"{_written(left)} {'<->' if both else '->'} {_written(right)}"
    if left or right:
        assert parse_equation(written) == (left, right, both)
    else:
        with pytest.raises(SimulationError, match="nothing on both sides"):
            parse_equation(written)


def _written(side: dict[str, int]) -> str:
    return " + ".join(f"{n} {s}" for s, n in side.items()) or "0"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A",
        "A -> B -> C",
        "A <-> B <-> C",
        "A -> B <-> C",
        "A + -> B",
        "A - B -> C",
        "0 A -> B",
        "1.5 A -> B",
        "A => B",
        "100 A -> B",
        "-> ",
    ],
)
def test_what_is_no_equation_is_refused(text):
    with pytest.raises(SimulationError):
        parse_equation(text)


def test_the_law_of_mass_action():
    assert mass_action(name("k"), {"A": 1, "B": 2}) == parse("k*A*B**2")
    assert net_rate(name("f"), {"A": 1}, name("b"), {"C": 2}) == parse("f*A - b*C**2")
    assert net_rate(name("f"), {}, None, {"A": 1}) == parse("f")
