"""What the documentation says of model files holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cellml.sim.model_file import parse_model
from cellml.sim.observable_types import REDUCTIONS, TYPES

PAGE = Path(__file__).parents[2] / "docs" / "simulation.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_example_is_a_model(page):
    model = parse_model(re.search(r"```yaml\n(.*?)```", page, re.DOTALL)[1], PAGE)
    assert set(model.species) == {"A", "X", "B"}
    assert [reaction.name for reaction in model.reactions] == ["bind", "enter"]


def test_every_observable_and_reduction_is_named(page):
    assert not [name for name in (*TYPES, *REDUCTIONS) if name not in page]


def test_every_shipped_model_is_named(page):
    from cellml.config import conf_dir

    assert not [path.stem for path in (conf_dir() / "sim").glob("*.yaml") if f"`{path.stem}`" not in page]
