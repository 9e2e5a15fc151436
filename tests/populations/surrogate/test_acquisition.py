"""Rules that choose what to simulate next."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.populations.surrogate.acquisition import RULES, Occasion, diverse_variance, farthest_first, largest_variance, next_shapes
from cellml.populations.surrogate.ensemble import DeepEnsemble
from cellml.populations.surrogate.learning import Budget, learning_curve, solves_needed


@pytest.fixture(scope="module")
def occasion() -> Occasion:
    """Known on x₁ < 0; two equal candidates far out, and others near."""
    rng = np.random.default_rng(0)
    known = rng.normal(size=(30, 2)) * [0.3, 1.0] - [1.0, 0.0]
    near = rng.normal(size=(20, 2)) * [0.3, 1.0] - [1.0, 0.0]
    candidates = np.concatenate([near, [[5.0, 0.0], [5.0, 1e-3], [4.0, 3.0]]])
    surrogate = DeepEnsemble(2, 1, members=6, steps=100).learn(known, known[:, :1] ** 2)
    return Occasion(surrogate, known, candidates, np.random.default_rng(1))


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_gives_different_candidates(rule, occasion: Occasion) -> None:  # type: ignore[no-untyped-def]
    chosen = rule(occasion, 5)
    assert len(set(chosen.tolist())) == 5 and max(chosen) < 23
    assert sorted(rule(occasion, 99).tolist()) == list(range(23))


def test_variance_looks_where_nothing_is_known_and_diversity_not_twice_at_the_same_place(occasion: Occasion) -> None:
    assert set(largest_variance(occasion, 3).tolist()) == {20, 21, 22}
    chosen = diverse_variance(occasion, 2)
    assert chosen[0] in (20, 21, 22) and set(chosen.tolist()) != {20, 21}


def test_farthest_first_agrees_with_a_slow_twin(occasion: Occasion) -> None:
    x, points = occasion.scaled(occasion.candidates), list(occasion.scaled(occasion.known))
    expected = []
    for _ in range(4):
        distances = [min(np.linalg.norm(one - p) for p in points) for one in x]
        expected.append(int(np.argmax(distances)))
        points.append(x[expected[-1]])
    assert farthest_first(occasion, 4).tolist() == expected


def test_next_shapes_asks_where_the_table_says_nothing(occasion: Occasion) -> None:
    found = next_shapes(occasion.known, occasion.known[:, :1] ** 2, occasion.candidates, 1)
    assert found[0] in (20, 21, 22)
    with pytest.raises(CellmlError, match="24 shapes cannot be chosen from 23"):
        next_shapes(occasion.known, occasion.known[:, :1], occasion.candidates, 24)


def test_curves_begin_alike_and_fall() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(80, 2))
    y = np.stack([x[:, 0], x[:, 0] - x[:, 1]], axis=1)
    budget = Budget(begin=6, batch=10, end=36, members=2, steps=60)
    curves = [learning_curve(x, y, np.arange(60), [np.arange(60, 80)], rule, budget, 0) for rule in RULES[:2]]
    for solves, errors in curves:
        assert solves == [6, 16, 26, 36] and errors[-1][0] < errors[0][0]
    assert curves[0][1][0] == curves[1][1][0]


def test_solves_needed_are_read_off_the_curve() -> None:
    assert solves_needed([10, 20, 30], [1.0, 0.5, 0.1], 0.75) == pytest.approx(15.0)
    assert solves_needed([10, 20], [1.0, 0.5], 2.0) == 10.0
    assert solves_needed([10, 20], [1.0, 0.5], 0.1) == np.inf
