"""Covariances that are conditioned one shape after the other, and scales."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.populations.surrogate.occasion import Occasion, largest_reduction, observed, square_distances


def covariance_of(count: int, seed: int) -> np.ndarray:
    root = np.random.default_rng(seed).normal(size=(count, 4))
    return root @ root.T


def test_observing_one_after_the_other_is_observing_both() -> None:
    whole, noise, seen = covariance_of(7, 0), 0.3, [2, 5]
    both = whole - whole[:, seen] @ np.linalg.solve(whole[np.ix_(seen, seen)] + noise * np.eye(2), whole[seen])
    np.testing.assert_allclose(observed(observed(whole, 2, noise), 5, noise), both, atol=1e-9)


def test_the_largest_reduction_agrees_with_a_slow_twin() -> None:
    whole, noise, candidates = covariance_of(9, 1), 0.2, np.array([1, 3, 4, 8])
    left, expected, rest = whole, [], candidates.tolist()
    for _ in range(3):
        traces = [np.trace(observed(left, one, noise)) for one in rest]
        expected.append(rest.pop(int(np.argmin(traces))))
        left = observed(left, expected[-1], noise)
    assert candidates[largest_reduction(whole, noise, candidates, 3)].tolist() == expected


def test_distances_agree_with_a_slow_twin() -> None:
    x, y = np.random.default_rng(2).normal(size=(5, 3)), np.random.default_rng(3).normal(size=(4, 3))
    np.testing.assert_allclose(square_distances(x, y), [[((a - b) ** 2).sum() for b in y] for a in x], atol=1e-12)
    assert (square_distances(x + 1e6, x + 1e6) >= 0).all()


def test_scales_are_those_of_all_shapes_so_that_choosing_does_not_change_them() -> None:
    x = np.random.default_rng(4).normal(size=(12, 2)) * [1.0, 100.0] + 5.0
    rng = np.random.default_rng(0)
    one, other = Occasion(None, x[:0], x, rng).scaled(x), Occasion(None, x[:9], x[9:], rng).scaled(x)
    np.testing.assert_allclose(one, other)
    assert (one**2).sum(axis=1).mean() == pytest.approx(1.0) and one.std(axis=0) == pytest.approx([0.5**0.5] * 2)
    assert np.isfinite(Occasion(None, x[:0], np.ones((3, 2)), rng).scaled(np.ones((1, 2)))).all()
