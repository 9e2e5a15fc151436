"""Scores of subsystems against closed forms and slow twins."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.linear_model import Ridge

from cellml.errors import CellmlError
from cellml.interpret.hierarchy_files import read_hierarchy
from cellml.interpret.ridge import PENALTIES, out_of_fold, rank_correlation, ridge_coefficients
from cellml.interpret.scores import SubsystemScore, ablations, partial_powers, powers, score_subsystems, states_of_parts
from cellml.nets.visible import VisibleNet

RNG = np.random.default_rng(0)
HIERARCHY = {"subsystems": {"root": ["a", "b"], "a": ["x0", "x1"], "b": ["x2", "x3"]}}


def test_ridge_is_scikit_learns_at_the_penalty_with_the_least_cross_validation_error() -> None:
    x, y = RNG.standard_normal((30, 6)), RNG.standard_normal((30, 2))
    y[:, 0] += 3 * x[:, 0] + 1
    beta, level = ridge_coefficients(x, y)
    centred = x - x.mean(axis=0)
    s2 = np.linalg.svd(centred, compute_uv=False) ** 2
    for k in range(2):
        fits = []
        for penalty in PENALTIES * s2.mean():
            model = Ridge(alpha=penalty).fit(x, y[:, k])
            freedom = 1 + (s2 / (s2 + penalty)).sum()
            fits.append((((model.predict(x) - y[:, k]) ** 2).sum() / (30 - freedom) ** 2, model))
        best = min(fits, key=lambda fit: fit[0])[1]
        assert np.allclose(beta[:, k], best.coef_, atol=1e-8) and np.isclose(level[k], best.intercept_)


def test_each_row_is_predicted_without_itself() -> None:
    x, y = RNG.standard_normal((20, 3)), RNG.standard_normal((20, 1))
    fold = np.random.default_rng(4).permutation(20) % 5
    beta, level = ridge_coefficients(x[fold != 2], y[fold != 2])
    assert np.allclose(out_of_fold(x, y, 5, seed=4)[fold == 2], x[fold == 2] @ beta + level)
    with pytest.raises(CellmlError, match="20 rows are too few for 8 folds"):
        out_of_fold(x, y, 8)


def test_rank_correlation_is_scipys_and_0_for_constants() -> None:
    a, b = RNG.integers(0, 5, (40, 2)).astype(float), RNG.standard_normal((40, 2))
    assert np.allclose(rank_correlation(a, b), [spearmanr(a[:, k], b[:, k]).statistic for k in range(2)])
    assert rank_correlation(np.ones((9, 1)), b[:9, :1]) == 0


def test_constant_states_predict_the_mean() -> None:
    beta, level = ridge_coefficients(np.ones((12, 2)), np.arange(12.0)[:, None])
    assert (beta == 0).all() and level == 5.5


def test_parts_are_the_states_below_or_the_descriptors() -> None:
    h, x, states = read_hierarchy(HIERARCHY), RNG.standard_normal((4, 4)), RNG.standard_normal((4, 3, 2))
    assert np.array_equal(states_of_parts(h, "b", x, states), x[:, 2:])
    assert np.array_equal(states_of_parts(h, "root", x, states), np.concatenate([states[:, 0], states[:, 1]], axis=1))


def test_rlipp_rewards_a_subsystem_that_makes_something_of_its_parts() -> None:
    """y = x0 · x1: no ridge regression tells it from x0 and x1, and perfectly from a state that is their product."""
    h, x = read_hierarchy(HIERARCHY), RNG.standard_normal((400, 4))
    product = x[:, :1] * x[:, 1:2]
    states = np.stack([product, x[:, 2:3], product], axis=1)
    own, parts = powers(h, x, states, product)
    assert own[0, 0] > 0.999 and abs(parts[0, 0]) < 0.2 and abs(own[1, 0]) < 0.2
    assert SubsystemScore("a", "y", 0.9, 0.6, 0, 0).rlipp == pytest.approx(0.5)
    assert SubsystemScore("a", "y", 0.0, 0.0, 0, 0).rlipp == 0


def test_partial_power_of_independent_parts_is_their_share_of_variance() -> None:
    h, x = read_hierarchy(HIERARCHY), RNG.standard_normal((4000, 4))
    states = np.stack([x[:, :1], x[:, 2:3], x[:, :1]], axis=1)
    y = np.sqrt(0.75) * x[:, :1] + np.sqrt(0.25) * x[:, 2:3]
    found = partial_powers(h, states, y)
    assert found[:, 0] == pytest.approx([0.75, 0.25, 0.0], abs=0.03)


def test_ablation_is_the_loss_of_a_shuffled_subsystem() -> None:
    torch.manual_seed(0)
    net = VisibleNet(HIERARCHY, outputs=1, neurons=2).eval()
    net.layers[1].weight.data[:, 6:] = 0.0  # the root does not look at b
    x, y = torch.randn(50, 4), RNG.standard_normal((50, 1))
    with torch.no_grad():
        states = net.states(x)
        found = ablations(net, x, states, y, repeats=3, seed=1)
        random = np.random.default_rng(1)
        twin = []
        for _ in range(3):
            shuffled = net.states(x, {"a": states[torch.from_numpy(random.permutation(50)), 0]})
            twin.append(((net.told(shuffled)[:, -1].numpy() - y) ** 2).mean() - ((net.told(states)[:, -1].numpy() - y) ** 2).mean())
    assert found[net.hierarchy.order.index("b"), 0] == pytest.approx(0, abs=1e-7)
    assert found[0, 0] == pytest.approx(np.mean(twin) / y.var(), rel=1e-4)


def test_scores_come_for_each_subsystem_and_output() -> None:
    net = VisibleNet(HIERARCHY, outputs=2, neurons=2).eval()
    scores = score_subsystems(net, RNG.standard_normal((40, 4)), RNG.standard_normal((40, 2)), ["peak", "decay"])
    assert [(s.subsystem, s.output) for s in scores[:3]] == [("a", "peak"), ("a", "decay"), ("b", "peak")]
    assert len(scores) == 6 and all(np.isfinite([s.rlipp, s.ablation, s.partial]).all() for s in scores)
