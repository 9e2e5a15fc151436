"""Ridge regression and partial dependence against slow twins and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.populations.dependence import dependences, partial_dependence
from cellml.populations.regression import _PENALTIES, regress, ridge
from cellml.populations.scales import Columns


def test_ridge_is_the_penalty_of_least_gcv_score() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 5)), rng.normal(size=40)
    y += x @ np.array([1.0, -1, 0, 0, 0])
    centred, mean = x - x.mean(axis=0), y.mean()
    scores = []
    for penalty in _PENALTIES:
        inverse = np.linalg.inv(centred.T @ centred + penalty * np.eye(5)) @ centred.T
        hat = centred @ inverse
        scores.append((((y - mean - hat @ (y - mean)) ** 2).sum() / (39 - np.trace(hat)) ** 2, inverse @ (y - mean)))
    best = min(scores, key=lambda one: one[0])[1]
    coefficients, intercept = ridge(x, y)
    np.testing.assert_allclose(coefficients, best, rtol=1e-6)
    assert intercept == pytest.approx(mean - x.mean(axis=0) @ best)


def test_what_explains_and_what_does_not() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(120, 3))
    y = {"made": x[:, 0] - x[:, 1] + 0.3 * rng.normal(size=120), "noise": rng.normal(size=120)}
    groups = [f"g{n // 6}" for n in range(120)]
    made, noise = regress(Columns.of({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2]}), Columns.of(y), groups, draws=100)
    assert 0.9 < made.r2_low < made.r2 < made.r2_high and made.low[0] > 0 > made.high[1] and made.low[2] < 0 < made.high[2]
    assert noise.r2 < 0.1 and noise.r2_low < 0


def test_the_dependence_of_a_sum_is_one_of_its_terms() -> None:
    x = np.random.default_rng(2).normal(size=(30, 3))
    places = np.linspace(-1, 1, 5)
    curve = partial_dependence(lambda rows: rows[:, 0] ** 2 + 5 * rows[:, 1], x, 0, places)
    np.testing.assert_allclose(curve, places**2 + 5 * x[:, 1].mean())


def test_curves_follow_what_the_data_do() -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, (150, 2))
    features = Columns.of({"a": x[:, 0], "b": x[:, 1]})
    groups = [f"g{n % 10}" for n in range(150)]
    a, b = dependences(features, "y", np.abs(x[:, 0]), groups, ["a", "b"], draws=5, points=9)
    assert a.values[0] - a.values[4] > 0.5 and a.values[-1] - a.values[4] > 0.5
    assert np.ptp(b.values) < 0.15 and (a.low <= a.high).all()
    with pytest.raises(CellmlError, match="no feature c"):
        dependences(features, "y", x[:, 0], groups, ["c"])
