from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from cellml.sim.analytic import box
from cellml.sim.errors import SimulationError
from cellml.sim.model_file import parse_model
from cellml.sim.scales import scales
from cellml.sim.solve import solve_model

TEXT = """
species:
  A: {in: "*", D: {value: 1, unit: um^2/s, source: s}, initial: INITIAL}
parameters:
  c: {value: 1, unit: molecule/um^3, source: s}
  L: {value: 1, unit: um, source: s}
  k: {value: 1, unit: 1/s, source: s}
reactions: [{name: decay, in: "*", equation: A -> 0, rate: RATE}]
fixed: [{of: A, on: cut_z0, value: HELD}]
time: {end: {value: 0.1, unit: s}, steps: 4}
observables: [{type: amount, of: A}]
"""


def model(initial="c", rate="k*A", held="c"):
    return parse_model(TEXT.replace("INITIAL", initial).replace("RATE", rate).replace("HELD", held), Path("m.yaml"))


@pytest.fixture
def bar():
    return box((100.0, 100.0, 1000.0), (1, 1, 8), cuts=("z0",))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"initial": '"c*(1 - 2*z/L)"'}, r"m.yaml:3: the initial concentration of A is negative at 16 of 36 points, the lowest -1 "),
        ({"initial": '"c*log(z/L)"'}, r"m.yaml:3: the initial concentration of A is -inf, no finite number, at 4 of 36 points"),
        ({"held": '"c*(x/L - 0.05)"'}, r"m.yaml:9: the value that A is held at is negative at 2 of 4 points"),
        ({"initial": '"c*z/L"', "held": "0*c", "rate": '"k*c*c/A"'}, r"m.yaml:8: the rate of decay at time 0 is inf, no finite"),
    ],
)
def test_a_start_that_is_not_sound_is_refused_with_its_line_and_without_warnings_of_numpy(bar, changed, message):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(SimulationError, match=message):
            solve_model(bar, model(**changed), errors="never")


def test_the_scales_refuse_a_negative_start_as_well(bar):
    with pytest.raises(SimulationError, match="m.yaml:3: the initial concentration of A is negative"):
        scales(bar, model(initial='"c*(1 - 2*z/L)"'))


def test_zero_up_to_round_off_is_a_start(bar):
    start = solve_model(bar, model(initial='"c*(1 - 1.0000000000000002*z/L)"'), errors="never")
    assert start["A_amount_final"].status == "ok"
