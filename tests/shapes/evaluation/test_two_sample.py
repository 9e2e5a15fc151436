"""Two-sample scores on clouds whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.shapes.evaluation.two_sample import (
    Distances,
    coverage,
    euclidean_distances,
    kernel_discrepancy,
    minimum_matching_distance,
    one_nearest_accuracy,
    one_nearest_test,
    standardised,
)


def clouds(seed: int, shift: float, count: int = 150, size: int = 4) -> Distances:
    rng = np.random.default_rng(seed)
    return euclidean_distances(rng.normal(size=(count, size)), rng.normal(size=(count, size)) + shift)


def test_one_distribution_is_a_coin_and_two_are_none() -> None:
    same = one_nearest_test(clouds(0, 0.0))
    apart = one_nearest_test(clouds(1, 10.0))
    assert same.low < 0.5 < same.high
    assert same.accuracy == pytest.approx(0.5, abs=0.06)
    assert same.p_value > 0.05
    assert apart.accuracy == 1.0
    assert apart.p_value < 0.01


def test_copies_of_the_real_shapes_are_below_one_half() -> None:
    real = np.random.default_rng(2).normal(size=(60, 3))
    assert one_nearest_accuracy(euclidean_distances(real, real)) == 0.0


def test_one_shape_over_and_over_is_told_apart() -> None:
    real = np.random.default_rng(2).normal(size=(60, 3))
    once = euclidean_distances(real, np.zeros((60, 3)))
    assert one_nearest_accuracy(once) > 0.7
    assert coverage(once) == pytest.approx(1 / 60)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(4, 12), st.integers(4, 12))
def test_accuracy_agrees_with_a_loop(seed: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    real, made = rng.normal(size=(n, 2)), rng.normal(size=(m, 2))
    joint, kind = np.concatenate([real, made]), [0] * n + [1] * m
    right = 0
    for i, point in enumerate(joint):
        others = [j for j in range(n + m) if j != i]
        nearest = min(others, key=lambda j: float(np.linalg.norm(joint[j] - point)))
        right += kind[nearest] == kind[i]
    assert one_nearest_accuracy(euclidean_distances(real, made)) == pytest.approx(right / (n + m))


def test_coverage_and_matching_distance_by_hand() -> None:
    found = euclidean_distances(np.array([[0.0], [1.0], [10.0]]), np.array([[0.1], [0.2], [1.5], [0.05]]))
    assert coverage(found) == pytest.approx(2 / 3)
    assert minimum_matching_distance(found) == pytest.approx((0.05 + 0.5 + 8.5) / 3)


def test_kernel_discrepancy_is_about_zero_for_one_distribution() -> None:
    assert abs(kernel_discrepancy(clouds(3, 0.0))) < 0.01 < 0.3 < kernel_discrepancy(clouds(3, 3.0))


def test_constant_columns_are_left_out() -> None:
    reference = np.column_stack([np.arange(5.0), np.full(5, 3.0)])
    (found,) = standardised(reference, reference)
    assert found.shape == (5, 1)
    assert (found.mean(), found.std()) == pytest.approx((0.0, 1.0))


def test_too_few_or_unfit_shapes_are_refused() -> None:
    with pytest.raises(CellmlError, match="and four"):
        one_nearest_test(euclidean_distances(np.zeros((3, 2)), np.zeros((9, 2))))
    with pytest.raises(CellmlError, match="must agree"):
        euclidean_distances(np.zeros((3, 2)), np.zeros((3, 4)))
    with pytest.raises(CellmlError, match="NaN"):
        euclidean_distances(np.full((3, 2), np.nan), np.zeros((3, 2)))
    with pytest.raises(CellmlError, match="disagree"):
        Distances(np.zeros((2, 2)), np.zeros((2, 2)), np.zeros((3, 2)))
