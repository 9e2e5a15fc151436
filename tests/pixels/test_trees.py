from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from cellml.errors import CellmlError
from cellml.pixels.trees import Trees

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 6)).astype(np.float32)
Y = ((X[:, 0] > 0).astype(int) + (X[:, 1] * X[:, 2] > 0.3)).astype(int)
FOREST = RandomForestClassifier(7, random_state=0).fit(X, Y)


@pytest.mark.parametrize(
    "estimator", [FOREST, ExtraTreesClassifier(5, max_depth=4, random_state=1), DecisionTreeClassifier(random_state=2)]
)
@pytest.mark.parametrize("count", [1, 63, 64, 65, 5000])
def test_the_descent_gives_the_probabilities_of_scikit_learn(estimator: Any, count: int) -> None:
    features = RNG.normal(size=(count, 6)).astype(np.float32)
    fitted = estimator.fit(X, Y)
    np.testing.assert_allclose(Trees.of(fitted, 3).shares(features.T), fitted.predict_proba(features).T, atol=1e-6)


def test_a_pixel_exactly_at_a_threshold_goes_the_same_way() -> None:
    """Training values lie between thresholds; here features are the thresholds themselves, as float32 rounds them."""
    tree = DecisionTreeClassifier(random_state=0).fit(X, Y)
    own, edges = Trees.of(tree, 3), tree.tree_.threshold[tree.tree_.children_left >= 0]
    for shift in (-1, 0, 1):
        near = np.nextafter(edges.astype(np.float32), np.float32(shift * np.inf)) if shift else edges.astype(np.float32)
        features = np.tile(near[:, None], (1, 6))
        np.testing.assert_allclose(own.shares(features.T), tree.predict_proba(features).T, atol=1e-6)


def test_threads_change_nothing_and_classes_that_were_not_seen_get_nothing() -> None:
    trees, features = Trees.of(FOREST, 5), RNG.normal(size=(6, 9000)).astype(np.float32)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = trees.shares(features)
        torch.set_num_threads(3)
        assert np.array_equal(alone, trees.shares(features))
    finally:
        torch.set_num_threads(threads)
    assert alone.shape == (5, 9000) and not alone[3:].any()
    np.testing.assert_allclose(alone.sum(axis=0), 1, atol=1e-5)


def test_depths_are_those_of_scikit_learn() -> None:
    assert Trees.of(FOREST, 3).depths.tolist() == [e.tree_.max_depth for e in FOREST.estimators_]


@pytest.mark.parametrize(
    "damage",
    [
        {"left": lambda t: np.zeros_like(t.left)},  # a circle: the descent would never leave
        {"left": lambda t: t.left + len(t.left)},
        {"left": lambda t: np.where(np.arange(len(t.left)) == 0, len(t.left) - 1, t.left)},
        {"roots": lambda t: t.roots - 1},
        {"roots": lambda t: t.roots + len(t.left)},
        {"roots": lambda t: t.roots[:0]},
        {"feature": lambda t: t.feature - 1},
        {"threshold": lambda t: t.threshold[:-1]},
        {"share": lambda t: t.share[:, 0]},
    ],
)
def test_arrays_that_are_no_trees_are_refused(damage: dict[str, Any]) -> None:
    trees = Trees.of(FOREST, 3)
    with pytest.raises(CellmlError, match="no decision trees"):
        replace(trees, **{name: change(trees) for name, change in damage.items()})


def test_too_few_features_are_refused() -> None:
    with pytest.raises(CellmlError, match="feature 5, and there are 5"):
        Trees.of(FOREST, 3).shares(np.zeros((5, 10), np.float32))
