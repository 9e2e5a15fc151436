from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import pytest

from cellml.arguments import check_arguments
from cellml.errors import CellmlError


def verb(
    input: str,
    label: int | None = None,
    tile: Sequence[int] | None = None,
    edge: float = 1.0,
    force: bool = False,
    kind: Literal["a", "b"] = "a",
    gate: Mapping[str, float] | None = None,
    output: str | Path | None = None,
) -> None: ...


@pytest.mark.parametrize(
    "given",
    [
        {"input": "x.tif", "label": 3, "tile": [1, 2, 3], "edge": 2, "force": True, "kind": "b", "gate": {"a": 1.0}, "output": None},
        {"input": 7},  # a file may be called 7
        {"label": None, "tile": None, "edge": 0.5},
    ],
)
def test_values_of_the_right_kind_pass(given: dict) -> None:
    check_arguments(verb, given, "verb")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lable": 3}, "verb has no argument lable; did you mean label?"),
        ({"zzz": 3}, "it has input, label"),
        ({"label": "three"}, "label=three is not a whole number or null"),
        ({"label": 1.5}, "label=1.5 is not a whole number"),
        ({"label": True}, "not a whole number"),
        ({"label": [3, 3]}, "not a whole number"),
        ({"tile": 7}, "tile=7 is not a list such as"),
        ({"tile": [1, "x"]}, "not a list such as"),
        ({"force": "perhaps"}, "force=perhaps is not true or false"),
        ({"edge": "wide"}, "not a number"),
        ({"kind": "c"}, "one of a, b"),
        ({"gate": 3}, "a mapping such as"),
    ],
)
def test_values_of_another_kind_are_named(given: dict, message: str) -> None:
    with pytest.raises(CellmlError) as error:
        check_arguments(verb, given, "verb")
    assert message in str(error.value)


def test_a_function_that_takes_anything_is_not_judged() -> None:
    check_arguments(lambda **_: None, {"anything": 1}, "verb")
