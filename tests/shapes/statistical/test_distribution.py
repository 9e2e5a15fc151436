"""Distributions of shapes from examples: codes with a size, held-out groups, and bands on modes."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.shapes.statistical.density import gaussian
from cellml.shapes.statistical.distribution import Examples, fit_distribution, group_interval, leave_one_group_out
from cellml.shapes.statistical.modes import bootstrap_modes


def _examples(count: int = 90, size: int = 10, seed: int = 0, *, sized: bool = True) -> Examples:
    """Two strong modes, of which the first goes with the logarithm of the size, and little noise."""
    random = np.random.default_rng(seed)
    strong = random.standard_normal((count, 2)) * [4.0, 2.0]
    values = 0.1 * random.standard_normal((count, size))
    values[:, :2] += strong
    units = np.exp(5 + 0.2 * strong[:, 0] / 4 + 0.05 * random.standard_normal(count)) if sized else np.full(count, 1.0)
    return Examples(values, units, tuple(f"g{n % 9}" for n in range(count)), np.zeros(count, np.int64))


def _fit(codes: np.ndarray, _: np.ndarray) -> object:
    return gaussian(codes)


def test_values_and_sizes_come_back_from_codes() -> None:
    examples = _examples()
    found = fit_distribution(examples, 9, _fit)  # type: ignore[arg-type]
    codes = found.codes(examples.values, examples.units)
    values, units = found.values(codes)
    assert codes.shape == (90, 10)
    np.testing.assert_allclose(units, examples.units)
    assert np.abs(values - examples.values).max() < 0.5
    assert abs(found.density.covariances[0, 0, -1]) > 0.8  # the size goes with the first mode


def test_shapes_of_one_unit_have_no_size() -> None:
    found = fit_distribution(_examples(sized=False), 2, _fit)  # type: ignore[arg-type]
    assert not found.sized
    np.testing.assert_allclose(found.values(np.zeros((3, 2)))[1], 1.0)


def test_held_out_rarities_of_what_the_model_is_are_near_uniform() -> None:
    held = leave_one_group_out(_examples(180), 2, _fit)  # type: ignore[arg-type]
    assert held.rarity.shape == (180,)
    assert 0.35 < held.rarity.mean() < 0.65
    assert held.wider <= 1.35


def test_held_out_likelihood_drops_where_a_group_is_different() -> None:
    examples = _examples()
    moved = examples.values.copy()
    own = np.array([group == "g3" for group in examples.groups])
    moved[own, 5] += 3
    held = leave_one_group_out(Examples(moved, examples.units, examples.groups, examples.labels), 2, _fit)  # type: ignore[arg-type]
    assert held.log_likelihood[own].max() < np.median(held.log_likelihood[~own])


def test_bands_cover_the_true_mode_and_shrink_with_more_shapes() -> None:
    few, many = _examples(45), _examples(720)
    bands = []
    for examples in (few, many):
        found = fit_distribution(examples, 4, _fit).components  # type: ignore[arg-type]
        bands.append(bootstrap_modes(examples, found, 2, replicas=40))
        row = bands[-1].table(found)[0]
        assert row["share_low"] <= row["share"] <= row["share_high"]
        assert row["likeness"] > 0.9
    to_points = np.zeros((2, 3, 10))
    to_points[0, 0, 0] = to_points[1, 1, 5] = 1.0  # the first point moves with the strong mode, the second not at all
    wide, narrow = (band.band(to_points, 0) for band in bands)
    assert narrow[0] < 0.5 * wide[0]
    assert narrow[1] < narrow[0]


def test_group_interval_is_wider_than_that_of_single_shapes() -> None:
    groups = [f"g{n // 10}" for n in range(100)]
    values = np.repeat(np.random.default_rng(0).standard_normal(10), 10)
    mean, low, high = group_interval(values, groups)
    _, low_single, high_single = group_interval(values, [str(n) for n in range(100)])
    assert mean == pytest.approx(values.mean())
    assert high - low > 2 * (high_single - low_single)


def test_one_group_is_refused() -> None:
    examples = _examples()
    with pytest.raises(CellmlError, match="one group"):
        leave_one_group_out(Examples(examples.values, examples.units, ("a",) * 90, examples.labels), 2, _fit)  # type: ignore[arg-type]
