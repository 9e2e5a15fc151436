from __future__ import annotations

import pytest

from cellml.sim.errors import SimulationError
from cellml.sim.quantities import Quantity


@pytest.mark.parametrize(
    ("value", "unit", "target", "expected"),
    [(1.0, "um^2/s", "um^2/s", 1.0), (2.0, "µm²/ms", "um^2/s", 2000.0), (1e-12, "m**2/s", "um^2/s", 1.0), (3.0, "ms", "s", 0.003)],
)
def test_units_convert(value, unit, target, expected):
    assert Quantity(value, unit).to(target) == pytest.approx(expected, rel=1e-12)


def test_a_wrong_dimension_names_both():
    with pytest.raises(SimulationError, match=r"such as um\^2/s is needed .*'um/s' is"):
        Quantity(1.0, "um/s").to("um^2/s")


@pytest.mark.parametrize(
    "unit",
    [
        "",
        "furlongs per glass",
        "um^",
        "2 um",
        "__import__('os')",
        "um^2/s;",
        "1/0",
        "um (11_",
        "9**9**9**9",
        "km^1000",
        "um**um",
        "()" * 50,
    ],
)
def test_nonsense_is_no_unit(unit):
    with pytest.raises(SimulationError, match=r"is not a unit|is needed"):
        Quantity(1.0, unit).to("um^2/s")
