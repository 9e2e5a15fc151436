from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cellml.sim.errors import SimulationError
from cellml.sim.estimation.chain import Chain, _split_r, sample
from cellml.sim.estimation.command import _notes
from cellml.sim.estimation.fit import Fit, maximum_posterior
from cellml.sim.estimation.profile import profile
from cellml.sim.estimation.results import estimates
from cellml.sim.estimation.time_step import step_shift
from cellml.sim.estimation.unknowns import Unknown


class Quadratic:
    """A posterior that is exactly normal: residuals are a matrix times z."""

    def __init__(self, fit: Fit) -> None:
        self.unknowns, self.matrix = fit.problem.unknowns, np.array([[2.0, 0.5, 0.0], [0.0, 1.0, -0.3], [0.0, 0.0, 3.0]])
        self.bounds = np.full(3, -np.inf), np.full(3, np.inf)

    def residuals(self, z: np.ndarray) -> np.ndarray:
        return self.matrix @ z

    def jacobian(self, z: np.ndarray) -> np.ndarray:
        return self.matrix

    def log_posterior(self, z: np.ndarray) -> float:
        return float(-0.5 * np.sum((self.matrix @ z) ** 2))


@pytest.fixture
def normal(fitted) -> Fit:
    problem = Quadratic(fitted)
    return Fit(problem, np.zeros(3), np.linalg.inv(problem.matrix.T @ problem.matrix), 0.0, 3, 0)


def test_of_a_normal_posterior_profile_and_laplace_are_the_same(normal):
    for unknown in normal.problem.unknowns:
        found = profile(normal, unknown.name)
        low, high = normal.interval(unknown.name)
        assert (found.low, found.high) == pytest.approx((low, high), rel=2e-3)
        k = [u.name for u in normal.problem.unknowns].index(unknown.name)
        assert found.rise == pytest.approx(found.z**2 / normal.covariance[k, k], abs=1e-6)


def test_samples_of_a_normal_posterior_have_its_covariance(normal):
    chain = sample(normal, steps=1500, seed=1)
    assert chain.converged
    assert np.cov(chain.samples.T) == pytest.approx(normal.covariance, abs=0.15 * normal.covariance.max())
    for unknown in normal.problem.unknowns:
        assert np.log(chain.interval(unknown.name)) == pytest.approx(np.log(normal.interval(unknown.name)), abs=0.25)
    one, again = (sample(normal, steps=60, seed=1) for _ in range(2))
    assert (again.samples == one.samples).all()


def test_walkers_that_do_not_mix_are_told(normal):
    rng = np.random.default_rng(0)
    apart = rng.standard_normal((200, 8, 1)) + np.arange(8)[None, :, None]
    assert _split_r(apart)[0] > 1.5
    assert _split_r(rng.standard_normal((200, 8, 1)))[0] == pytest.approx(1.0, abs=0.02)
    assert not Chain(normal, np.zeros((10, 3)), np.ones(3), 0.5, 1000.0, np.array([1.0, 1.3, 1.0])).converged


def test_profile_of_a_real_fit_agrees_with_laplace_about_the_size(fitted):
    found = profile(fitted, "D", points=1)
    low, high = fitted.interval("D")
    assert (found.low, found.high) == pytest.approx((low, high), rel=0.03)


def test_an_estimate_on_its_bound_is_told_and_its_intervals_end_there(fitted):
    D = replace(fitted.problem.unknowns[0], low=-1.0, high=0.1, start=0.0)  # free of bounds it is at 0.16
    fit = maximum_posterior(replace(fitted.problem, unknowns=(D, *fitted.problem.unknowns[1:])))
    assert fit.z[0] == pytest.approx(0.1, abs=1e-9)
    found = profile(fit, "D", points=1)
    assert found.z.max() <= 0.1
    rows = {(e.name, e.source): e for e in estimates(fit, [found])}
    for source in ("Laplace, one-sided", "profile likelihood, one-sided"):
        assert rows["D", source].high == pytest.approx(np.exp(0.1))
        assert 0.5 < rows["D", source].low < 1.1
    assert ("k_on", "Laplace") in rows
    notes = [note for note in _notes(fit, [found], None, step_shift(fit)) if "bound" in note]
    assert len(notes) == 1
    assert "D lies on its bound, the upper one at 1.105 µm²/s" in notes[0]


@pytest.mark.parametrize(
    ("low", "high", "z", "side"),
    [
        *[(0.0, 10.0, 0.9e-5, "lower"), (0.0, 10.0, 1.1e-5, ""), (0.0, 10.0, 10 - 0.9e-5, "upper"), (0.0, 10.0, 10 - 1.1e-5, "")],
        *[(-np.inf, 0.1, 0.1, "upper"), (-np.inf, np.inf, 0.0, ""), (-8.0, np.inf, -8 + 7e-6, "lower"), (-8.0, np.inf, -8 + 9e-6, "")],
    ],
)
def test_a_bound_is_met_within_a_millionth_of_the_width(low, high, z, side):
    assert Unknown("k", True, 0.0, low=low, high=high).bound_at(z) == side


def test_bad_requests(fitted):
    with pytest.raises(SimulationError, match="was not fitted; these were: D, k_on, k_off"):
        profile(fitted, "k")
    with pytest.raises(SimulationError, match="at least 6 walkers"):
        sample(fitted, walkers=4)
