from __future__ import annotations

from pathlib import Path

import pytest

from cellml.sim.errors import SimulationError
from cellml.sim.quantities import Quantity
from cellml.sim.reading import check_keys, choice, count, flag, names, nearest, number, point, quantity, symbol, text
from cellml.sim.yaml_lines import LocatedDocument


@pytest.fixture
def document():
    return LocatedDocument("a: 1\nb:\n  - c: 2\n    d: {e: 3}\n", Path("m.yaml"))


def test_lines_of_keys_and_of_what_is_nearest_above(document):
    lines = {
        path: document.where(path) for path in [(), ("a",), ("b",), ("b", 0), ("b", 0, "c"), ("b", 0, "d", "e"), ("b", 0, "d", "f", "g")]
    }
    assert [where.removeprefix("m.yaml:") for where in lines.values()] == ["1", "1", "2", "3", "3", "4", "4"]
    assert str(document.error(("b", 0, "c"), "is wrong")) == "m.yaml:3: `b.0.c`: is wrong."


def test_a_close_word_is_suggested():
    assert nearest("inital", ["initial", "in"]) == "; did you mean 'initial'?"
    assert nearest("zebra", ["initial", "in"]) == ""


def test_keys_are_checked_in_both_directions(document):
    check_keys(document, (), {"a": 1, "b": 0}, required=("a",), optional=("b",))
    with pytest.raises(SimulationError, match="m.yaml:1: `z`: is not a key of a model; known here: a, b"):
        check_keys(document, (), {"a": 1, "z": 0}, required=("a",), optional=("b",))
    with pytest.raises(SimulationError, match="the key 'a' is missing"):
        check_keys(document, (), {"b": 1}, required=("a",), optional=("b",))
    with pytest.raises(SimulationError, match="lines are needed here"):
        check_keys(document, (), [1], required=("a",))


@pytest.mark.parametrize("value", [True, None, "1", float("inf"), float("nan"), 10**400, [1], {}])
def test_what_is_not_a_finite_number(document, value):
    with pytest.raises(SimulationError, match="m.yaml:1: `a`:"):
        number(document, ("a",), value)


@pytest.mark.parametrize(
    ("read", "good", "bad"),
    [
        (number, [1, -2.5, 0], ["x"]),
        (count, [1, 10], [0, -1, 1.0, True, "3", None]),
        (flag, [True, False], [0, 1, "true", None]),
        (text, ["a", "cut z0"], ["", "  ", 3, None, ["a"]]),
        (
            symbol,
            ["a", "k_on", "_x1"],
            ["1a", "a b", "t", "x", "exp", "hill", "lambda", "None", "é", "", 3, None, "a.b", "__import__('os')"],
        ),
        (names, ["a", ["a", "b"]], [[], [1], 3, None, [""]]),
        (point, [[1, 2.0, 3]], [[1, 2], [1, 2, "3"], 3, None, [1, 2, float("inf")]]),
    ],
)
def test_entries_are_taken_or_refused_with_their_line(document, read, good, bad):
    for value in good:
        found = read(document, ("b",), value)
        assert found == (tuple(value) if isinstance(value, list) else (value,) if read is names else value)
    for value in bad:
        with pytest.raises(SimulationError, match="^m.yaml:[23]: `b"):
            read(document, ("b",), value)


def test_a_word_out_of_a_list(document):
    assert choice(document, ("a",), "bdf2", ("bdf2", "imex"), "a scheme") == "bdf2"
    for value in ("bdf", None, 3, ["bdf2"]):
        with pytest.raises(SimulationError, match="is not a scheme.*; there are bdf2, imex"):
            choice(document, ("a",), value, ("bdf2", "imex"), "a scheme")


def test_quantities(document):
    item = {"value": 2, "unit": " nm/ms ", "source": "a book", "temperature": "37 degC"}
    assert quantity(document, ("a",), item, "um/s") == Quantity(2.0, "nm/ms", "a book", "37 degC")
    assert quantity(document, ("a",), {"value": 2, "unit": "laps"}, "s", also="laps") == Quantity(2.0, "laps")
    assert quantity(document, ("a",), {"value": -2, "unit": "parsec"}, "").value == -2.0


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (3.0, r"a value with a unit is needed, such as \{value: 1.0, unit: um/s\}, found 3.0"),
        ({"value": 1}, "the key 'unit' is missing"),
        ({"value": 1, "unit": ""}, "a name is needed"),
        ({"value": 1, "unit": "um"}, "a unit such as um/s is needed"),
        ({"value": 0, "unit": "um/s"}, "must be positive, found 0"),
        ({"value": 1, "unit": "um/s", "temperature": "hot"}, "a temperature is needed"),
        ({"value": 1, "unit": "um/s", "temperature": "3 m"}, "a temperature is needed"),
        ({"value": 1, "unit": "um/s", "temperature": "-3 K"}, "a temperature is needed"),
        ({"value": 1e308, "unit": "km/s"}, "out of the range of numbers"),
    ],
)
def test_bad_quantities(document, item, message):
    with pytest.raises(SimulationError, match=message):
        quantity(document, ("a",), item, "um/s", positive=True)
