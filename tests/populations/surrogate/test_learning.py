"""Errors over the number of solves."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.populations.surrogate.acquisition import at_random, largest_variance
from cellml.populations.surrogate.design import experimental_design
from cellml.populations.surrogate.learning import Budget, learning_curve, solves_needed
from cellml.populations.surrogate.occasion import Rule


def errors(rule: Rule, start: Rule = at_random, solves: tuple[int, ...] = (6, 16, 40)) -> list[float]:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(60, 2))
    y = np.stack([x[:, 0], x[:, 0] - x[:, 1]], axis=1)
    budget = Budget(solves, members=2, steps=60)
    found = learning_curve(x, y, np.arange(40), [np.arange(40, 60), np.arange(40, 50)], rule, budget, 0, start)
    assert [[one.shape for one in sets] for sets in found] == [[(20, 2), (10, 2)]] * len(solves)
    return [float(np.sqrt((sets[0] ** 2).mean())) for sets in found]


def test_curves_begin_alike_fall_and_end_alike_where_all_is_known() -> None:
    random, variance, design = errors(at_random), errors(largest_variance), errors(experimental_design, experimental_design)
    assert random[0] == variance[0] != design[0]
    for curve in (random, variance, design):
        assert curve[-1] < curve[0] and curve[-1] == pytest.approx(random[-1], rel=0.2)


def test_solves_are_checked() -> None:
    with pytest.raises(CellmlError, match="41 solves are more than the pool has shapes, 40"):
        errors(at_random, solves=(6, 41))
    with pytest.raises(CellmlError, match=r"solves=\(8, 8\) must increase, from 4"):
        Budget((8, 8))
    with pytest.raises(CellmlError, match=r"solves=\(2, 8\)"):
        Budget((2, 8))


def test_solves_needed_are_read_off_the_curve() -> None:
    assert solves_needed([10, 20, 30], [1.0, 0.5, 0.1], 0.75) == pytest.approx(15.0)
    assert solves_needed([10, 20], [1.0, 0.5], 2.0) == 10.0
    assert solves_needed([10, 20], [1.0, 0.5], 0.1) == np.inf
