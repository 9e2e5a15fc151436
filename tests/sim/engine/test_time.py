"""Orders of the schemes, step control, and moments that steps must not pass over."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.analytic import box
from cellml.sim.dynamics import run
from cellml.sim.engine.events import events
from cellml.sim.engine.trajectory import BlowUpError, Plan
from cellml.sim.verification.convergence import order
from cellml.sim.verification.manufactured import adaptive_error, time_rows

CUBE = box((1000.0, 1000.0, 1000.0), (1, 1, 1))
DECAY = """
species: {c: {in: "*", initial: {value: 1, unit: molecule/um^3}}}
parameters: {k: {value: 1, unit: 1/s}}
reactions:
  - {name: decay, in: "*", equation: c -> 0, forward: k}
"""
FEED = """
species: {c: {in: "*"}}
parameters: {r: {value: 1, unit: molecule/um^3/s}, s: {value: 1, unit: 1/s}}
stimuli: {drive: STIMULUS}
reactions: [{name: feed, in: "*", equation: 0 -> c, rate: r*drive}]
"""


@pytest.mark.parametrize(("scheme", "expected"), [("backward_euler", 1.0), ("bdf2", 2.0), ("imex", 2.0)])
def test_orders_on_a_nonlinear_problem_with_fluxes(scheme, expected):
    rows = time_rows((20, 40, 80), scheme=scheme, cells=1)
    assert abs(order(rows) - expected) < 0.15
    assert rows[-1].error < {1.0: 0.03, 2.0: 3e-3}[expected]


def test_backward_euler_and_bdf2_are_their_recursions(model_of, followed):
    h = 0.25
    _, times, states = followed(CUBE, model_of(DECAY), Plan(1.0, 4, "backward_euler"))
    assert states.max(axis=1) == pytest.approx((1 / (1 + h)) ** np.arange(5), rel=1e-12)
    _, times, states = followed(CUBE, model_of(DECAY), Plan(1.0, 4, "bdf2"))
    expected = [1.0, 1 / (1 + h), 1 / (1 + h) ** 2]  # two steps of backward Euler begin
    for _ in range(2):
        expected.append((2 * expected[-1] - expected[-2] / 2) / (1.5 + h))
    assert times.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert states.min(axis=1) == pytest.approx(expected, rel=1e-12)


def test_bdf2_with_unequal_steps_is_exact_for_parabolas(model_of, stepper_of):
    from cellml.sim.engine.step import bdf2

    stepper = stepper_of(CUBE, model_of(FEED.replace("STIMULUS", "{formula: 2*s*t}")))
    ones = np.ones(stepper.system.size)
    t0, t1, t2 = 0.1, 0.35, 0.45
    new = stepper.solve(t1**2 * ones, (t1**2 - t0**2) * ones, t2, bdf2(t2 - t1, t1 - t0))
    assert new == pytest.approx(t2**2 * ones, rel=1e-12)


@pytest.mark.parametrize(("scheme", "power"), [("bdf2", 2 / 3), ("backward_euler", 1 / 2)])
def test_adaptive_steps_follow_the_tolerance(scheme, power):
    (coarse, few), (fine, many) = adaptive_error(1e-3, scheme=scheme), adaptive_error(1e-5, scheme=scheme)
    assert fine < 0.3 * coarse
    assert coarse < 0.03
    # Local errors of order p + 1 make the number of steps grow like tolerance^(−1/(p + 1)).
    expected = 100 ** (power / (2 if power > 0.6 else 1))
    assert 0.5 * expected < many / few < 2 * expected


def test_adaptive_steps_are_short_where_it_moves_fast(model_of, followed):
    text = (
        DECAY.replace("value: 1, unit: 1/s", "value: 50, unit: 1/s") + "  - {name: feed, in: '*', equation: 0 -> c, rate: k*c_initial/2}\n"
    )
    _, times, states = followed(CUBE, model_of(text), Plan(1.0, 20, "bdf2", 1e-4))
    steps = np.diff(times)
    assert steps.max() > 10 * steps[:10].max()
    assert np.abs(states[:, 0] - 0.5 * (1 + np.exp(-50 * times))).max() < 5e-3


@pytest.mark.parametrize(
    ("stimulus", "moments", "area"),
    [
        ("{formula: 'pulse(t, 0.31/s, 0.17/s)'}", (0.31, 0.48), 0.17),
        ("{formula: 'step(t - 0.37/s)'}", (0.37,), 0.63),
        ("{formula: 'step(0.5/s - 2*t)'}", (0.25,), 0.25),
        ("{formula: 'abs(s*t - 0.4)'}", (0.4,), 0.26),
        ("{formula: 'max(s*t, 0.3)'}", (0.3,), 0.545),
        ("{times: [0.2, 0.43, 0.77], time_unit: s, values: [0, 2, 0], unit: dimensionless}", (0.2, 0.43, 0.77), 0.57),
        ("{times: [0, 200, 700], time_unit: ms, values: [1, 3, 0], unit: dimensionless, steps: true}", (0.2, 0.7), 1.7),
    ],
)
@pytest.mark.parametrize("plan", [Plan(1.0, 7), Plan(1.0, 7, "imex"), Plan(1.0, 7, "bdf2", 1e-3)], ids=["bdf2", "imex", "adaptive"])
def test_steps_end_where_a_stimulus_turns(model_of, followed, stimulus, moments, area, plan):
    model = model_of(FEED.replace("STIMULUS", stimulus))
    stepper, times, states = followed(CUBE, model, plan)
    assert events(stepper.system, stepper.values, 1.0) == pytest.approx(moments)
    for moment in moments:
        assert np.abs(times - moment).min() < 1e-12
    # What is fed in is the area under the stimulus, exactly where it is piecewise constant.
    flat = "pulse" in stimulus or "step" in stimulus
    assert states[-1] == pytest.approx(area, rel=1e-8 if flat else 0.1)


def test_given_steps_stay_on_their_grid_around_events(model_of, followed):
    _, times, _ = followed(CUBE, model_of(FEED.replace("STIMULUS", "{formula: 'step(t - 0.37/s)'}")), Plan(1.0, 4))
    assert times == pytest.approx([0.0, 0.25, 0.37, 0.5, 0.75, 1.0])


def test_blow_up_hands_over_the_last_good_state(model_of, followed):
    text = DECAY.replace("1/s}", "um^3/(molecule*s)}").replace("c -> 0", "2 c -> 3 c")
    with pytest.raises(BlowUpError, match=r"stopped at t = (0\.9\d*|1(\.0\d*)?) s of 2 s.*c has reached") as caught:
        followed(CUBE, model_of(text), Plan(2.0, 200))
    so_far = caught.value.so_far
    assert 0.95 < so_far.times[-1] < 1.05  # c = 1/(1 − t)
    assert np.isfinite(so_far.final).all()
    assert so_far.final.min() > 50.0
    assert so_far.rejected > 10


def test_newton_that_fails_at_a_long_step_succeeds_at_shorter_ones(model_of, followed):
    """c = c₀ + h c² has no root for h = 0.5; the exact value is 2."""
    text = DECAY.replace("1/s}", "um^3/(molecule*s)}").replace("c -> 0", "2 c -> 3 c")
    _, times, states = followed(CUBE, model_of(text), Plan(0.5, 1))
    assert len(times) > 2
    assert 2.0 < states[-1].min() < 3.5


def test_snapshots_fall_on_their_times(model_of):
    model = model_of(DECAY + "time: {end: {value: 1, unit: s}, steps: 8, snapshots: 4}\n")
    assert sorted(run(CUBE, model).states) == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0])
