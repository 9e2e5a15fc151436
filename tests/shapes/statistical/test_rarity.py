"""Rarities of a Gaussian have a closed form; held-out ones are uniform after calibration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cellml.errors import CellmlError
from cellml.shapes.statistical.density import Density
from cellml.shapes.statistical.rarity import Calibration, Levels, cross_calibrated, uniformity

K = 6
GAUSSIAN = Density(np.ones(1), np.zeros((1, K)), np.eye(K)[None])


def _levels(count: int = 200_000) -> Levels:
    return Levels.of(GAUSSIAN.log_density(GAUSSIAN.sample(count, np.random.default_rng(0))))


@pytest.mark.parametrize("rarity", [0.9, 0.5, 0.1, 0.01, 1e-3, 1e-4])
def test_rarity_of_a_gaussian_is_the_chi_squared_tail(rarity: float) -> None:
    far = np.zeros((1, K))
    far[0, 0] = np.sqrt(stats.chi2(K).isf(rarity))
    assert _levels().rarity(GAUSSIAN.log_density(far))[0] == pytest.approx(rarity, rel=0.2)


def test_beyond_all_draws_it_falls_on_within_a_factor() -> None:
    far = np.zeros((1, K))
    far[0, 0] = np.sqrt(stats.chi2(K).isf(1e-8))
    assert 1e-9 < _levels(20_000).rarity(GAUSSIAN.log_density(far))[0] < 1e-6


@pytest.mark.parametrize("rarity", [0.7, 0.05, 0.004, 1e-6])
def test_level_inverts_rarity(rarity: float) -> None:
    levels = _levels(20_000)
    assert levels.rarity(np.array([levels.level(rarity)]))[0] == pytest.approx(rarity, rel=0.03)


def test_a_model_that_is_too_narrow_is_calibrated() -> None:
    """Real shapes are 1.5 times as wide as the model: its one in a thousand is far from rare, the calibrated one is."""
    random = np.random.default_rng(1)
    groups = tuple(f"stack {n % 20}" for n in range(600))
    real = 1.5 * random.standard_normal((600, K))
    rarity = _levels(20_000).rarity(GAUSSIAN.log_density(real))
    before, after = uniformity(rarity, groups), uniformity(cross_calibrated(rarity, groups), groups)
    assert before["ks"] > 0.3 > 0.07 > after["ks"]
    assert before["coverage_95"] < 0.7
    assert after["coverage_95"] == pytest.approx(0.95, abs=0.03)
    fresh = 1.5 * random.standard_normal((50_000, K))
    calibration = Calibration.fit(rarity)
    level = _levels(50_000).level(calibration.raw(1e-3))
    assert (GAUSSIAN.log_density(fresh) < level).mean() == pytest.approx(1e-3, abs=1.5e-3)


def test_calibration_inverts_and_leaves_few_shapes_alone() -> None:
    calibration = Calibration(0.6, 1.3)
    assert calibration.calibrated(np.array([calibration.raw(0.02)]))[0] == pytest.approx(0.02)
    assert Calibration.fit(np.full(5, 0.1)) == Calibration(1.0, 1.0)


def test_uniformity_of_uniform_numbers() -> None:
    even = (np.arange(400) + 0.5) / 400
    found = uniformity(even, [str(n % 10) for n in range(400)])
    assert found["ks"] == pytest.approx(1 / 800)
    assert found["coverage_80"] == pytest.approx(0.8, abs=0.005)


def test_bad_input_is_explained() -> None:
    with pytest.raises(CellmlError, match="1000 finite draws"):
        Levels.of(np.zeros(10))
    with pytest.raises(CellmlError, match="one in a thousand"):
        Calibration().raw(0.0)
