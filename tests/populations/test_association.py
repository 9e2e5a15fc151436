"""Slopes, their intervals, and p values, on data whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.populations.association import _resampled, associate, least_p, permutation_p
from cellml.populations.scales import Columns, group_numbers


def columns(**values: np.ndarray) -> Columns:
    return Columns.of(values)


def some_groups(count: int, of: int) -> list[str]:
    return [f"g{n % of}" for n in range(count)]


def test_a_power_law_is_found_with_its_exponent() -> None:
    rng = np.random.default_rng(0)
    volume = np.exp(rng.normal(0, 1, 200))
    found = associate(
        columns(volume=volume, noise=rng.normal(size=200)), columns(time=3 * volume ** (2 / 3)), some_groups(200, 20), draws=500
    )
    law, noise = found
    assert law.log_log and law.exponent == pytest.approx(2 / 3) and law.slope == pytest.approx(1.0)
    assert law.p == pytest.approx(1 / 501) and law.q <= 0.05 and (law.shapes, law.groups) == (200, 20)
    assert not noise.log_log and noise.low < 0 < noise.high and noise.q > 0.05


def test_differences_between_groups_alone_are_no_discovery() -> None:
    """A shift common to each group makes a strong slope over all shapes, and no evidence within groups."""
    rng = np.random.default_rng(1)
    numbers = np.repeat(np.arange(10), 12)
    shift = rng.normal(0, 3, 10)[numbers]
    found = associate(
        columns(x=shift + rng.normal(size=120)), columns(y=shift + rng.normal(size=120)), [f"g{n}" for n in numbers], draws=1000
    )
    assert found[0].slope > 0.7 and found[0].p > 0.02


def test_controls_take_out_what_goes_through_them() -> None:
    rng = np.random.default_rng(2)
    size = rng.normal(size=150)
    x, y = columns(x=size + 0.3 * rng.normal(size=150)), columns(y=size + 0.3 * rng.normal(size=150))
    plain = associate(x, y, some_groups(150, 15), draws=300)[0]
    partial = associate(x, y, some_groups(150, 15), controls=columns(size=size), draws=300)[0]
    assert plain.slope > 0.8 and abs(partial.slope) < 0.25 and partial.low < 0 < partial.high


def test_the_exponent_under_controls_is_the_coefficient_beside_them() -> None:
    """By Frisch, Waugh and Lovell the slope between what controls leave is the coefficient of the regression with the controls in it."""
    rng = np.random.default_rng(4)
    size = rng.normal(size=200)
    x = 2 * size + rng.normal(size=200)
    y = 0.7 * x - 3 * size + 0.1 * rng.normal(size=200)
    found = associate(columns(x=x), columns(y=y), some_groups(200, 20), controls=columns(size=size), draws=200)[0]
    together = np.linalg.lstsq(np.column_stack([x, size, np.ones(200)]), y, rcond=None)[0]
    assert found.exponent == pytest.approx(together[0])


def test_resampled_correlations_agree_with_rows_drawn_one_by_one() -> None:
    rng = np.random.default_rng(3)
    x, y, groups = rng.normal(size=(30, 2)), rng.normal(size=(30, 1)), np.repeat(np.arange(6), 5)
    fast = _resampled(x, y, groups, 4, np.random.default_rng(9))
    weights = np.random.default_rng(9).multinomial(6, np.full(6, 1 / 6), size=4)
    for one, weight in zip(fast, weights, strict=True):
        rows = np.concatenate([np.flatnonzero(groups == g) for g in range(6) for _ in range(weight[g])])
        for k in range(2):
            assert one[k, 0] == pytest.approx(np.corrcoef(x[rows, k], y[rows, 0])[0, 1])


def test_p_is_uniform_where_nothing_goes_together() -> None:
    rng = np.random.default_rng(4)
    p = permutation_p(rng.normal(size=(40, 60)), rng.normal(size=(40, 5)), np.repeat(np.arange(8), 5), 200, rng)
    assert np.quantile(p, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.07)
    alone = permutation_p(rng.normal(size=(40, 60)), rng.normal(size=(40, 5)), np.arange(40), 200, rng)
    assert np.median(alone) == pytest.approx(0.5, abs=0.08)


def test_bad_input_is_told() -> None:
    with pytest.raises(CellmlError, match="None of the columns a varies"):
        columns(a=np.ones(5))
    with pytest.raises(CellmlError, match="of the group 'g'"):
        group_numbers(["g"] * 3, 3)
    with pytest.raises(CellmlError, match="3 shapes have 2 groups"):
        group_numbers(["a", "b"], 3)
    x = columns(x=np.arange(5.0))
    with pytest.raises(CellmlError, match="draws=5"):
        associate(x, x, list("abcde"), draws=5)
    with pytest.raises(CellmlError, match=r"features \(5\) and observables \(4\)"):
        associate(x, columns(y=np.arange(4.0)), list("abcde"))


def test_constant_columns_are_left_out_and_wide_ones_taken_as_logarithms() -> None:
    made = Columns.of({"flat": np.ones(4), "wide": np.array([1.0, 2, 4, 8]), "narrow": np.array([1.0, 1.2, 1.4, 1.6])})
    assert made.dropped == ("flat",) and made.names == ("wide", "narrow")
    assert made.logarithms.tolist() == [True, False]
    np.testing.assert_allclose(made.values[:, 0], np.log([1, 2, 4, 8]))


def test_the_least_p_is_that_of_one_arrangement_among_all() -> None:
    assert least_p(["a", "a", "b", "b", "b"], 5000) == pytest.approx(1 / 12)
    assert least_p(["a", "b", "c", "d"], 5000) == pytest.approx(1 / 24)  # each alone: over all shapes
    assert least_p(some_groups(400, 4), 999) == pytest.approx(1 / 1000)
    x = np.array([0.0, 1.0, 0.0, 1.0, 5.0])[:, None]
    reached = permutation_p(x, x, group_numbers(["a", "a", "b", "b", "b"], 5), 4000, np.random.default_rng(0))
    assert reached[0, 0] == pytest.approx(1 / 12, rel=0.2)
