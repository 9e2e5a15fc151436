"""The deep ensemble, and its conformal intervals."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cellml.errors import CellmlError
from cellml.populations.surrogate.conformal import conformal_factor, coverage
from cellml.populations.surrogate.ensemble import DeepEnsemble, out_of_fold


def curved(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """y₁ = 1 + x₁ − 2 x₂ and y₂ = 50 tanh(2 x₁), with noise of 0.05 and 1."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 3))
    y = np.stack([1 + x[:, 0] - 2 * x[:, 1], 50 * np.tanh(2 * x[:, 0])], axis=1)
    return x, y + rng.normal(size=y.shape) * [0.05, 1.0]


@pytest.fixture(scope="module")
def fitted() -> DeepEnsemble:
    return DeepEnsemble(3, 2, members=5, seed=1).learn(*curved(80, 0))


def test_it_learns_lines_and_curves_in_their_units(fitted: DeepEnsemble) -> None:
    x, y = curved(200, 1)
    mean, spread = fitted.predict(x)
    assert np.sqrt(((mean - y) ** 2).mean(axis=0)) == pytest.approx([0.1, 5.0], rel=0.9)
    assert (np.corrcoef(mean[:, 1], y[:, 1])[0, 1]) > 0.98 and (spread > 0).all()


def test_members_are_computed_as_if_they_were_alone(fitted: DeepEnsemble) -> None:
    x = np.random.default_rng(2).normal(size=(4, 3))
    told = fitted.opinions(x)
    w, b = ({n: p.detach().numpy() for n, p in part.items()} for part in (fitted.weights, fitted.biases))
    rows = (x - fitted.x_middle.numpy()) / fitted.x_spread.numpy()

    def silu(v: np.ndarray) -> np.ndarray:
        return v / (1 + np.exp(-v))

    for m in range(5):
        hidden = silu(silu(rows @ w["first"][m] + b["first"][m]) @ w["second"][m] + b["second"][m])
        np.testing.assert_allclose(told[m], rows @ w["linear"][m] + hidden @ w["last"][m] + b["last"][m], rtol=1e-4, atol=1e-5)


def test_it_doubts_what_is_far_from_the_data(fitted: DeepEnsemble) -> None:
    near, far = np.zeros((1, 3)), np.array([[6.0, -6.0, 6.0]])
    assert fitted.opinions(far).var(axis=0).sum() > 10 * fitted.opinions(near).var(axis=0).sum()


def test_it_knows_which_features_its_answers_depend_on(fitted: DeepEnsemble) -> None:
    x = curved(40, 6)[0]
    found = fitted.sensitivity(x)
    step = 1e-2 * np.eye(3) * fitted.x_spread.numpy()
    slopes = [(fitted.predict(x + h)[0] - fitted.predict(x - h)[0]) / 2e-2 / fitted.y_spread.numpy() for h in step]
    np.testing.assert_allclose(found, [np.sqrt((one**2).sum(axis=1).mean()) for one in slopes], rtol=0.02, atol=2e-3)
    assert found[2] < 0.2 * min(found[:2])  # which no observable asks for


def test_a_seed_gives_the_same_ensemble_and_a_state_brings_it_back() -> None:
    data = curved(20, 3)
    one, same, other = (DeepEnsemble(3, 2, members=2, steps=20, seed=s).learn(*data) for s in (0, 0, 1))
    x = curved(5, 4)[0]
    np.testing.assert_array_equal(one.predict(x)[0], same.predict(x)[0])
    assert not np.allclose(one.predict(x)[0], other.predict(x)[0])
    empty = DeepEnsemble(3, 2, members=2)
    empty.load_state_dict(one.state_dict())
    np.testing.assert_array_equal(empty.predict(x)[1], one.predict(x)[1])
    assert all(isinstance(value, torch.Tensor) for value in one.state_dict().values())


def test_bad_input_is_told() -> None:
    net = DeepEnsemble(3, 2)
    with pytest.raises(CellmlError, match="4 rows or more"):
        net.learn(np.zeros((3, 3)), np.zeros((3, 2)))
    with pytest.raises(CellmlError, match="finite"):
        net.learn(np.full((5, 3), np.nan), np.zeros((5, 2)))
    with pytest.raises(CellmlError, match="two members"):
        DeepEnsemble(3, 2, members=1)


def test_intervals_of_left_out_rows_cover_new_ones_as_often_as_they_say() -> None:
    """Twenty data sets: the mean coverage of conformal intervals is the level, though the ensemble believes too much of itself."""
    found = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        spread = rng.uniform(0.2, 1.0, (400, 2))
        residuals = 3 * spread * rng.standard_t(4, (400, 2))  # true errors are three times as large, and heavy-tailed
        factor = conformal_factor(residuals[:60], spread[:60], 0.9)
        found.append(coverage(residuals[60:], np.zeros((340, 2)), factor * spread[60:]))
    assert np.mean(found) == pytest.approx(0.9, abs=0.025)


def test_the_factor_is_an_order_statistic() -> None:
    residuals = np.arange(1.0, 20.0)[:, None]
    assert conformal_factor(residuals, np.ones((19, 1)), 0.9) == pytest.approx([18.0])
    with pytest.raises(CellmlError, match="need 19 left-out shapes"):
        conformal_factor(residuals[:10], np.ones((10, 1)), 0.95)
    with pytest.raises(CellmlError, match=r"level=1.5"):
        conformal_factor(residuals, residuals, 1.5)


def test_left_out_predictions_come_from_the_other_folds() -> None:
    x, y = curved(24, 5)
    folds = np.arange(24) % 3
    make = DeepEnsemble(3, 2, members=2, steps=20)
    mean, _ = out_of_fold(make, x, y, folds)
    alone = DeepEnsemble(3, 2, members=2, steps=20).learn(x[folds != 1], y[folds != 1]).predict(x[folds == 1])[0]
    np.testing.assert_array_equal(mean[folds == 1], alone)
