from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.errors import SimulationError
from cellml.sim.estimation.chain import Chain, _split_r, sample
from cellml.sim.estimation.fit import Fit
from cellml.sim.estimation.profile import profile


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
    again = sample(normal, steps=1500, seed=1)
    assert (again.samples == chain.samples).all()


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


def test_bad_requests(fitted):
    with pytest.raises(SimulationError, match="was not fitted; these were: D, k_on, k_off"):
        profile(fitted, "k")
    with pytest.raises(SimulationError, match="at least 6 walkers"):
        sample(fitted, walkers=4)
