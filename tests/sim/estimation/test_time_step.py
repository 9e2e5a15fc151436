from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cellml.sim.estimation.fit import Fit, maximum_posterior
from cellml.sim.estimation.time_step import step_shift, step_warnings
from cellml.sim.estimation.unknowns import unknowns
from cellml.sim.model_file import parse_model

from .conftest import TIMES, measure

DECAY = """
species:
  A: {in: "*", initial: {value: 1, unit: uM}}
parameters:
  k: {value: 3, unit: 1/s, estimate: true}
reactions:
  - {in: "*", equation: A -> 0, rate: k*A}
time: {end: {value: 2, unit: s}, steps: 10, scheme: backward_euler}
observables:
  - {type: amount, of: A, name: left}
"""


def decay(blank, noise: float, steps: int = 10) -> Fit:
    model = parse_model(DECAY.replace("steps: 10", f"steps: {steps}"), Path("decay.yaml"))
    problem = replace(blank, model=model, unknowns=unknowns(model), measurements=(replace(blank.measurements[0], observable="left"),))
    return maximum_posterior(measure(problem, problem.start, noise))


def test_the_shift_is_that_of_the_scheme(blank):
    """Backward Euler of a decay is (1 + k h)⁻ⁿ."""
    fit = decay(blank, 0.02)
    found = step_shift(fit)
    k, n, A = fit.values["k"], np.arange(1, 11), 602.214076 * 0.5
    moved = np.abs((1 + 0.2 * k) ** -n - (1 + 0.1 * k) ** (-2 * n)) * A / fit.problem.measurements[0].sd
    assert found.shift == pytest.approx(moved.max(), rel=1e-6)
    assert (found.observable, found.time) == ("left", pytest.approx(TIMES[moved.argmax()]))
    assert f"with 20 instead of 10 steps, left at {found.time:.3g} s moves by {found.shift:.2g} of" in found.note


def test_the_proposed_steps_suffice(blank):
    coarse = step_shift(decay(blank, 0.02))
    fine = step_shift(decay(blank, 0.02, coarse.proposed))
    assert fine.shift < 0.2  # a tenth was aimed at, from steps beyond the range where the order holds
    assert fine.note == ""


def test_coarse_data_ask_for_no_finer_step(blank):
    assert step_shift(decay(blank, 0.5)).note == ""


def test_the_warning_of_a_simulation_is_about_the_estimate(blank):
    """A tenth of the reaction time 1/k is 0.01 s at k = 10/s, but 0.1 s at 1/s; a step lasts 0.02 s."""
    fit = decay(blank, 0.02, 100)
    slow, fast = (replace(fit, z=np.log([k])) for k in (1.0, 10.0))
    assert step_warnings(slow) == ()
    assert "The time step of 0.02 s is longer than a tenth of the fastest reaction time, 0.1 s" in step_warnings(fast)[0]
    assert step_warnings(fast)[0].endswith("resolves it.")  # steps that adapt cannot be fitted
