from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from cellml.sim.analytic import ball, box
from cellml.sim.dynamics import run
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


BINDING = """
species:
  A: {in: "*", D: {value: FAST, unit: um^2/s, source: s}, initial: {value: 1, unit: uM, source: s}}
  X: {on: membrane, D: {value: 1, unit: um^2/s, source: s}, initial: {value: 300, unit: molecule/um^2, source: s}}
  B: {on: membrane}
reactions: [{name: bind, on: membrane, equation: A + X <-> B, forward: {value: 0.3, unit: 1/(uM*s)}, backward: {value: 0.5, unit: 1/s}}]
time: {end: {value: 3, unit: s}, steps: 12}
observables: [{type: amount, of: B, name: bound}]
"""


def test_diffusion_so_fast_that_its_terms_cancel_to_few_digits_converges_to_what_is_well_mixed():
    """Newton's corrections are round-off then; without telling them from others, steps were halved without end."""
    mesh = ball(500.0, 2)
    mixed, fast = (run(mesh, parse_model(BINDING.replace("FAST", D), Path("m.yaml"))) for D in ("1e5", "9e9"))
    assert fast.trajectory.rejected == 0 and len(fast.trajectory.times) == 13
    assert fast.courses["bound"].values == pytest.approx(mixed.courses["bound"].values, rel=1e-3)


def test_a_diffusion_coefficient_beyond_all_molecules_is_refused(bar):
    with pytest.raises(SimulationError, match=r"m.yaml:3: D of A is 3e\+11 µm²/s; nothing diffuses so fast"):
        scales(bar, parse_model(BINDING.replace("FAST", "3e11"), Path("m.yaml")))
