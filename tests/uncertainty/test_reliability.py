from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.uncertainty.reliability import Bins, Reliability
from cellml.uncertainty.temperature import TemperatureFit, temper


def honest(n: int = 60_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two classes whose stated probabilities are their true chances."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(size=n)
    y = rng.uniform(size=n) < p
    return np.stack([1 - p, p]), np.stack([~y, y]).astype(float)


def test_honest_probabilities_have_no_calibration_error_and_known_scores() -> None:
    scores = Reliability.zeros(2).update(*honest(), exclusive=True).scores()
    assert scores["ece"] < 0.01 and scores["channel_ece"] < 0.01
    assert scores["brier"] == pytest.approx(2 / 6, abs=0.01)  # 2 E p(1 − p) for uniform p
    assert scores["nll"] == pytest.approx(0.5, abs=0.01)  # E H(p) for uniform p, in nat


def test_errors_of_stated_closed_forms() -> None:
    always = Reliability.zeros(1).update(np.full((1, 100), 0.9), np.array([[1.0] * 60 + [0.0] * 40]), exclusive=False).scores()
    assert always["ece"] == pytest.approx(0.3) and always["channel_ece"] == pytest.approx(0.3)
    assert always["brier"] == pytest.approx(0.6 * 0.01 + 0.4 * 0.81)
    assert always["nll"] == pytest.approx(-0.6 * np.log(0.9) - 0.4 * np.log(0.1))
    assert np.isnan(Reliability.zeros(2).scores()["brier"])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99), cut=st.integers(1, 199), exclusive=st.booleans())
def test_blocks_add_up_to_the_whole(seed: int, cut: int, exclusive: bool) -> None:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([1, 1, 1], size=200).T
    y = np.eye(3)[rng.integers(0, 3, 200)].T
    mask = rng.uniform(size=(1, 200)) < 0.8
    whole = Reliability.zeros(3).update(p, y, mask, exclusive=exclusive)
    parts = [
        Reliability.zeros(3).update(p[:, part], y[:, part], mask[:, part], exclusive=exclusive) for part in (slice(cut), slice(cut, None))
    ]
    assert (parts[0] + parts[1]).scores() == pytest.approx(whole.scores(), nan_ok=True)
    assert whole.voxels == mask.sum() * (1 if exclusive else 3)


def test_bins_count_their_edges_once() -> None:
    bins = Bins.count(np.array([0.0, 0.05, 0.999, 1.0]), np.array([0, 1, 1, 1]))
    assert bins.voxels.sum() == 4 and bins.voxels[-1] == 2 and bins.observed[1] == 1


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
@pytest.mark.parametrize("exclusive", [True, False])
def test_the_temperature_that_was_applied_is_found(temperature: float, exclusive: bool) -> None:
    p, y = honest()
    if not exclusive:
        p, y = p[1:], y[1:]
    shifted = temper(p.astype(np.float32), 1 / temperature, exclusive=exclusive)
    halves = [TemperatureFit().update(shifted[:, part], y[:, part], exclusive=exclusive) for part in (slice(30_000), slice(30_000, None))]
    found = (halves[0] + halves[1]).best()
    assert found == pytest.approx(temperature, rel=0.03)
    back = Reliability.zeros(len(p)).update(temper(shifted, found, exclusive=exclusive), y, exclusive=exclusive)
    before = Reliability.zeros(len(p)).update(shifted, y, exclusive=exclusive)
    assert back.scores()["ece"] < 0.02 and (temperature == 1 or before.scores()["ece"] > 0.05)


def test_tempering_keeps_the_likeliest_class_and_the_sum() -> None:
    p = np.random.default_rng(0).dirichlet([1, 1, 1], size=50).T.astype(np.float32)
    q = temper(p, 3.0, exclusive=True)
    np.testing.assert_allclose(q.sum(axis=0), 1, atol=1e-6)
    assert np.array_equal(q.argmax(axis=0), p.argmax(axis=0)) and q.max() < p.max()
    assert temper(p, 1.0, exclusive=True) is p
    np.testing.assert_allclose(temper(np.float32([[0.5, 0.9]]), 2.0, exclusive=False), [[0.5, 0.75]], atol=1e-6)
