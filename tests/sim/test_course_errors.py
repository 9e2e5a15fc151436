from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cellml.sim import course_errors
from cellml.sim.analytic import box
from cellml.sim.model_file import parse_model
from cellml.sim.solve import solve_model

# Diffusion from a smooth beginning, and decay: cos(π z) stays cos(π z), so that c(0, t) = exp(−k t) (1 + exp(−π² D t)/2).
TEXT = """
species: {A: {in: "*", D: {value: 1, unit: um^2/s, source: s}, initial: A0 * (1 + cos(q * z) / 2)}}
parameters:
  A0: {value: 1, unit: molecule/um^3, source: s}
  q: {value: 3.141592653589793, unit: 1/um, source: s}
  k: {value: 3, unit: 1/s, source: s}
reactions: [{name: decay, in: "*", equation: A -> 0, forward: k}]
time: {end: {value: 0.2, unit: s}, steps: 16, scheme: SCHEME}
observables: [{type: maximum, of: A, unit: molecule/um^3, name: highest}, {type: amount, of: A, name: left}]
"""
HIGHEST = np.exp(-0.6) * (1 + 0.5 * np.exp(-(np.pi**2) * 0.2))


@pytest.mark.parametrize("scheme", ["bdf2", "backward_euler"])
@pytest.mark.parametrize("cheap", [1e9, 0.0])
def test_the_error_that_is_given_is_near_the_true_one(scheme, cheap, monkeypatch):
    """By the full runs, and by the cheaper ones with long steps."""
    monkeypatch.setattr(course_errors, "CHEAP", cheap)
    mesh = box((100.0, 100.0, 1000.0), (1, 1, 12))
    solution = solve_model(mesh, parse_model(TEXT.replace("SCHEME", scheme), Path("m.yaml")))
    highest, left = solution["highest"], solution["left"]
    assert abs(highest.value - HIGHEST) < 1.5 * highest.discretisation_error < 12 * abs(highest.value - HIGHEST)
    true = abs(left.value - 0.01 * np.exp(-0.6))
    assert 0.4 * true < left.discretisation_error < 4 * true


def test_beyond_what_is_bearable_no_error_is_given(rod, monkeypatch):
    monkeypatch.setattr(course_errors, "PATIENCE", 0.0)
    model = parse_model(TEXT.replace("SCHEME", "bdf2"), Path("m.yaml"))
    solution = solve_model(rod, model)
    assert np.isnan(solution["left"].discretisation_error) and "errors=always" in solution.notes[-1]
    asked = solve_model(rod, model, errors="always")
    assert asked["left"].discretisation_error > 0 and asked.notes == ()


def test_those_who_wait_are_told_of_the_runs_for_errors_as_soon_as_they_begin(rod):
    told = []
    solve_model(rod, parse_model(TEXT.replace("SCHEME", "bdf2"), Path("m.yaml")), tell=lambda stage, share: told.append((stage, share)))
    begun = [stage for stage, share in told if share == 0.0 and stage.startswith("for errors")]
    assert list(dict.fromkeys(begun)) == ["for errors: shorter steps", "for errors: finer mesh"]
    assert {stage for stage, share in told if share == 1.0} == {"following the model", *begun}
