from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cellml.sim.errors import SimulationError
from cellml.sim.estimation.adjoint_fit import interpolation, maximum_posterior_by_adjoint
from cellml.sim.estimation.coverage import coverage_rows
from cellml.sim.estimation.fit import maximum_posterior
from cellml.sim.estimation.predictive import predictive
from cellml.sim.estimation.problem import Problem
from cellml.sim.estimation.unknowns import unknowns
from cellml.sim.model_file import parse_model

from .conftest import TRUTH, measure


def test_sensitivities_are_differences(noisy):
    z, h = TRUTH + 0.1, 1e-5
    differences = np.stack([(noisy.residuals(z + h * e) - noisy.residuals(z - h * e)) / (2 * h) for e in np.eye(3)], axis=1)
    exact = noisy.jacobian(z)
    assert np.abs(exact - differences).max() < 1e-6 * np.abs(exact).max()


def test_residuals_and_slopes_at_one_point_share_a_solution_and_stay_the_same(noisy):
    told: list[tuple[int, float]] = []
    shared, alone = replace(noisy, tell=lambda *seen: told.append(seen)), replace(noisy)
    z = TRUTH + 0.1
    residuals, slopes = shared.residuals(z), shared.jacobian(z)
    assert shared.solutions.count == 1
    assert (alone.jacobian(z) == slopes).all()
    assert (alone.residuals(z) == residuals).all()
    assert told == [(1, pytest.approx(np.sum(residuals[:20] ** 2)))]  # the last three are priors
    assert not (shared.residuals(TRUTH) == residuals).all()
    assert shared.solutions.count == 2
    z[0] += 0.1  # the array that the caller holds is not what is remembered
    assert not (alone.residuals(z) == residuals).all()


def test_a_fit_solves_the_model_once_for_each_point(noisy):
    class Unshared(Problem):
        def _run(self, z):
            self.solutions.last = None
            return super()._run(z)

    fit = maximum_posterior(replace(noisy))
    twice = maximum_posterior(Unshared(noisy.mesh, noisy.model, noisy.unknowns, noisy.measurements))
    assert (fit.z == twice.z).all()
    assert (fit.covariance == twice.covariance).all()
    assert fit.evaluations < 0.6 * twice.evaluations


def test_perfect_data_without_priors_give_the_truth(blank):
    free = replace(blank, unknowns=tuple(replace(u, sd=np.inf) for u in blank.unknowns))
    fit = maximum_posterior(measure(free, TRUTH, 0.0))
    assert fit.z == pytest.approx(TRUTH, abs=1e-6)


def test_a_fit_is_where_the_gradient_vanishes_and_its_intervals_hold_the_truth(fitted):
    slope = fitted.problem.jacobian(fitted.z).T @ fitted.problem.residuals(fitted.z)
    assert np.abs(slope).max() < 1e-4 * fitted.chi2
    for unknown, z in zip(fitted.problem.unknowns, TRUTH, strict=True):
        low, high = fitted.interval(unknown.name, 0.99)
        assert low < unknown.value(z) < high
    assert 5 < fitted.chi2 < 45  # 20 measurements


def test_the_adjoint_finds_the_same_maximum(fitted):
    z, least = maximum_posterior_by_adjoint(fitted.problem)
    assert z == pytest.approx(fitted.z, abs=1e-5)
    assert least == pytest.approx(0.5 * np.sum(fitted.problem.residuals(fitted.z) ** 2), rel=1e-9)


def test_a_prior_alone_gives_itself_back(blank):
    vague = replace(blank, measurements=tuple(replace(m, sd=np.full_like(m.sd, 1e12)) for m in blank.measurements))
    fit = maximum_posterior(vague)
    assert fit.z == pytest.approx([u.mean for u in blank.unknowns], abs=1e-6)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx([u.sd for u in blank.unknowns], rel=1e-6)


def test_what_the_data_leave_open_is_said(blank):
    text = """
species:
  A: {in: "*", initial: {value: 1, unit: uM}}
parameters:
  a: {value: 1, unit: 1/s, estimate: true}
  b: {value: 2, unit: 1/s, estimate: true}
reactions:
  - {in: "*", equation: A -> 0, rate: (a + b)*A}
time: {end: {value: 2, unit: s}, steps: 10}
observables:
  - {type: amount, of: A, name: bound}
"""
    model = parse_model(text, Path("open.yaml"))
    problem = replace(blank, model=model, unknowns=unknowns(model), measurements=blank.measurements[:1])
    problem = measure(problem, problem.start, 0.02)
    with pytest.raises(SimulationError, match="do not determine a and b"):
        maximum_posterior(problem)


def test_bands_hold_the_measured_course(fitted):
    bands = {band.observable: band for band in predictive(fitted, draws=20)}
    for m in fitted.problem.measurements:
        band = bands[m.observable]
        assert (band.low <= band.middle).all() and (band.middle <= band.high).all()
        assert np.abs(np.interp(m.times, band.times, band.middle) - m.values).max() < 4 * m.sd.max()


def test_interpolation_is_that_of_numpy():
    grid, times = np.array([0.0, 0.5, 2.0]), np.array([0.0, 0.1, 0.5, 1.9, 2.0])
    values = np.array([3.0, -1.0, 4.0])
    assert interpolation(grid, times) @ values == pytest.approx(np.interp(times, grid, values))


def test_coverage_rows_repeat():
    first, again = (next(iter(coverage_rows(0.05, range(3, 4)))) for _ in range(2))
    assert first == again
    assert {row.name for row in first} == {"D", "k_on", "k_off"}
    assert all(row.low < row.estimate < row.high for row in first)


def test_measurements_after_the_end_are_refused(blank):
    late = tuple(replace(m, times=m.times + 1.0) for m in blank.measurements)
    with pytest.raises(SimulationError, match=r"last measurement is at 3 s, but the model ends at 2 s"):
        replace(blank, measurements=late)
