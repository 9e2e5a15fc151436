"""Weighted draws: moments of known posteriors, bent ones among them, and what cannot be sampled."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.constitutive.importance import Draws, importance_draws
from cellml.sim.errors import SimulationError


def test_a_normal_posterior_is_drawn_with_its_quantiles() -> None:
    sd = np.array([1.0, 3.0])
    found = importance_draws(lambda z: -0.5 * float(np.sum((z / sd) ** 2)), np.zeros(2), np.diag(sd**2), draws=1000, rounds=3, enough=1e9)
    assert found.weights.sum() == pytest.approx(1.0) and 1000 < found.effective <= len(found.z) == 3000
    assert found.quantiles(found.z / sd, (0.05, 0.5, 0.95)) == pytest.approx(np.array([[-1.645] * 2, [0.0] * 2, [1.645] * 2]), abs=0.15)


def test_a_bent_valley_is_followed_where_laplace_is_not() -> None:
    """y = x² + noise with x normal: y has the mean 1, which the normal distribution about the maximum (0, 0) puts at 0."""
    narrow = 0.5

    def log_posterior(z: np.ndarray) -> float:
        return -0.5 * float(z[0] ** 2 + ((z[1] - z[0] ** 2) / narrow) ** 2)

    found = importance_draws(log_posterior, np.zeros(2), np.diag([1.0, narrow**2]), draws=2000, rounds=8, enough=1e9)
    assert found.weights @ found.z[:, 1] == pytest.approx(1.0, abs=0.15)
    # chi-square with one degree of freedom, little widened by the noise: 95 % at 3.84.
    assert found.quantiles(found.z, (0.95,))[0, 1] == pytest.approx(3.9, rel=0.15)


def test_places_that_cannot_be_evaluated_weigh_nothing() -> None:
    def half(z: np.ndarray) -> float:
        return -0.5 * float(z @ z) if z[0] > 0 else -np.inf

    found = importance_draws(half, np.array([0.1]), np.eye(1), draws=500)
    assert found.weights[found.z[:, 0] <= 0].sum() == 0
    assert found.weights @ found.z[:, 0] == pytest.approx(np.sqrt(2 / np.pi), rel=0.1)  # mean of a half-normal


def test_weighted_quantiles_are_those_of_repeated_values() -> None:
    draws = Draws(np.zeros((3, 1)), np.array([0.25, 0.5, 0.25]))
    assert draws.effective == pytest.approx(1 / 0.375)
    assert draws.quantiles(np.array([[3.0], [1.0], [2.0]]), (0.5,))[0, 0] == pytest.approx(
        np.quantile([1, 1, 2, 3], 0.5, method="hazen"), abs=0.35
    )


def test_draws_that_miss_the_posterior_are_refused() -> None:
    with pytest.raises(SimulationError, match=r"draws of the posterior are worth .*, and 20 are needed"):
        importance_draws(lambda z: -0.5 * float(np.sum((1e4 * (z - 3.0)) ** 2)), np.zeros(3), np.eye(3), draws=30, rounds=2)
