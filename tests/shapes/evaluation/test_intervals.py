"""Distances of samples against closed forms, and intervals that hold the truth as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.shapes.evaluation.intervals import against_splits, median_ratio_interval, wasserstein, wasserstein_interval


def test_shifted_sample_is_as_far_as_its_shift() -> None:
    values = np.random.default_rng(0).normal(size=200)
    assert wasserstein(values, values + 3.0) == pytest.approx(3.0)
    found = wasserstein_interval(values, values + 3.0, draws=100)
    assert found.low < 3.0 < found.high


def test_interval_of_the_ratio_holds_the_truth_nine_times_in_ten() -> None:
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        found = median_ratio_interval(rng.lognormal(size=60), 1.5 * rng.lognormal(size=60), draws=150, seed=seed)
        hits += found.low <= 1.5 <= found.high
    assert 48 <= hits <= 60


def test_groups_widen_the_interval() -> None:
    rng = np.random.default_rng(1)
    stacks = np.repeat(np.arange(12), 10)
    real = np.exp(rng.normal(size=12)[stacks] + 0.1 * rng.normal(size=120))
    made = np.exp(0.1 * rng.normal(size=500))
    alone = median_ratio_interval(real, made, draws=300)
    whole = median_ratio_interval(real, made, [str(s) for s in stacks], draws=300)
    assert np.log(whole.high / whole.low) > 1.5 * np.log(alone.high / alone.low)


def test_sample_of_the_same_distribution_is_within_splits_and_another_is_not() -> None:
    rng = np.random.default_rng(2)
    real = rng.normal(size=200)
    groups = [str(i) for i in np.repeat(np.arange(20), 10)]
    assert against_splits(real, rng.normal(size=80), groups, draws=200).within
    assert not against_splits(real, rng.normal(size=80) + 1.0, groups, draws=200).within


def test_bad_samples_are_refused() -> None:
    with pytest.raises(CellmlError, match="finite"):
        wasserstein(np.array([1.0, np.nan]), np.ones(3))
    with pytest.raises(CellmlError, match="positive"):
        median_ratio_interval(np.array([0.0, 1.0]), np.ones(3))
    with pytest.raises(CellmlError, match="one group a value"):
        wasserstein_interval(np.ones(3), np.ones(3), ["a"])
    with pytest.raises(CellmlError, match="cannot be compared"):
        against_splits(np.arange(4.0), np.arange(4.0), size=3)
