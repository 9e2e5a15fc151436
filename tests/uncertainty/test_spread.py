from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.uncertainty.spread import Drawn, SpreadCalibration, fit_spread, interval_score, summarised


def known(count: int, seed: int, unseen: float = 0.5) -> tuple[list[Drawn], list[float]]:
    """Objects whose draws miss most of the error."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(0, 2, count)
    spreads = rng.uniform(0.02, 0.1, count)
    return [Drawn(m, s, 0.0) for m, s in zip(middles, spreads, strict=True)], np.exp(middles + unseen * rng.standard_normal(count)).tolist()


def test_the_summary_is_that_of_the_logarithm_and_counts_what_is_missing() -> None:
    values = np.exp(np.random.default_rng(0).normal(1.0, 0.3, 4000))
    found = summarised([*values, np.nan, np.nan, np.nan, np.nan])
    assert found.middle == pytest.approx(1.0, abs=0.02) and found.spread == pytest.approx(0.3, abs=0.02)
    assert found.missing == pytest.approx(4 / 4004)
    with pytest.raises(CellmlError, match="positive"):
        summarised([np.nan, -1.0])


def test_intervals_cover_new_objects_as_often_as_they_say() -> None:
    covered = []
    for seed in range(40):
        drawn, truth = known(40, seed)
        calibration = fit_spread(drawn, truth)
        for one, t in zip(*known(20, 1000 + seed), strict=True):
            low, high = calibration.interval(one)
            covered.append(low <= t <= high)
    assert 0.87 <= np.mean(covered) <= 0.97


def test_draws_that_miss_errors_are_widened_and_the_shift_is_taken_back() -> None:
    drawn, truth = known(60, 0)
    calibration = fit_spread(drawn, [2 * t for t in truth])
    assert calibration.shift == pytest.approx(np.log(2), abs=0.25)
    low, high = calibration.interval(Drawn(0.0, 0.05, 0.0))
    assert np.log(high / low) == pytest.approx(2 * 1.645 * 0.5, rel=0.4)


@settings(max_examples=20)
@given(st.floats(-3, 3), st.floats(0.01, 1), st.floats(0, 1))
def test_draws_of_a_calibration_have_its_interval_as_quantiles(middle: float, spread: float, missing: float) -> None:
    calibration = SpreadCalibration(0.1, 1.5, 0.05, 0.3, low=-1.2, high=2.5, objects=20)
    drawn = Drawn(middle, spread, missing)
    made = calibration.draws(drawn, 20_000, np.random.default_rng(0))
    low, high = calibration.interval(drawn)
    assert np.log(np.quantile(made, 0.05) / low) == pytest.approx(0, abs=0.08 * calibration.scale(drawn))
    assert np.log(np.quantile(made, 0.95) / high) == pytest.approx(0, abs=0.12 * calibration.scale(drawn))


def test_the_interval_score_is_that_of_its_definition() -> None:
    scores = interval_score(np.array([1.0, 0.0, 4.0]), np.array([0.5] * 3), np.array([2.0] * 3), 0.9)
    assert scores == pytest.approx([1.5, 1.5 + 20 * 0.5, 1.5 + 20 * 2.0])


def test_a_calibration_survives_its_file_and_wrong_ones_are_refused() -> None:
    calibration = fit_spread(*known(12, 3), inflation=1.0, floor=0.1, two_sided=False)
    assert SpreadCalibration.from_dict(calibration.as_dict()) == calibration and calibration.low == -calibration.high
    with pytest.raises(CellmlError, match="width"):
        SpreadCalibration.from_dict({"width": 1})
    with pytest.raises(CellmlError, match="at least 8"):
        fit_spread(*known(5, 0))
