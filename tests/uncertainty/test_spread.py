from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.uncertainty.spread import (
    Drawn,
    SpreadCalibration,
    calibration_of,
    fit_percentiles,
    fit_score,
    fit_spread,
    interval_score,
    summarised,
)


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


@settings(max_examples=20, deadline=None)
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


def one_sided(count: int, seed: int) -> tuple[list[Drawn], list[float]]:
    """Objects whose draws reach far upwards, as those that merge with a neighbour do, with truths below the middle."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(0, 1, count)
    drawn = [Drawn(m, 0.5, 0.0, m - 0.02, m + 2.0) for m in middles]
    return drawn, np.exp(middles - 0.1 * np.abs(rng.standard_normal(count))).tolist()


def test_percentiles_are_moved_no_further_than_the_truths_ask_for() -> None:
    drawn, truth = one_sided(60, 0)
    found = fit_percentiles(drawn, truth)
    assert 0.05 < found.widen < 0.3 and found.objects == 60
    inside = [low <= t <= high for t, (low, high) in zip(truth, map(found.interval, drawn), strict=True)]
    assert 0.85 <= np.mean(inside) <= 1.0


def test_by_rank_new_objects_are_covered_and_by_score_an_undoubted_few_are_let_go() -> None:
    covered = []
    for seed in range(30):
        calibration = fit_percentiles(*one_sided(40, seed), ranks=True)
        covered += [low <= t <= high for d, t in zip(*one_sided(20, 500 + seed), strict=True) for low, high in [calibration.interval(d)]]
    assert 0.87 <= np.mean(covered) <= 0.97
    drawn, truth = one_sided(40, 1)
    drawn.append(Drawn(0.0, 0.01, 0.0, -0.02, 0.02))
    lost = fit_percentiles(drawn, [*truth, 50.0])
    assert lost.widen < 0.5 < np.log(50)  # one of 41 is not worth wide intervals for all


def test_the_least_score_widens_by_the_spread_where_that_tells_the_error() -> None:
    rng = np.random.default_rng(0)
    spreads = rng.uniform(0.05, 1.0, 80)
    drawn = [Drawn(0.0, s, 0.0) for s in spreads]
    found = fit_score(drawn, np.exp(spreads * rng.standard_normal(80)).tolist())
    assert found.inflation in (0.75, 1.0, 1.5) and found.floor <= 0.2


def test_both_kinds_survive_their_file_and_have_draws_with_their_ends() -> None:
    for made in (fit_percentiles(*one_sided(20, 0)), fit_spread(*known(12, 3))):
        assert calibration_of(made.as_dict()) == made
    calibration, drawn = fit_percentiles(*one_sided(20, 0)), Drawn(0.3, 0.5, 0.0, 0.1, 1.3)
    made_draws = calibration.draws(drawn, 50_000, np.random.default_rng(0))
    assert np.quantile(made_draws, (0.05, 0.95)) == pytest.approx(calibration.interval(drawn), rel=0.03)
    with pytest.raises(CellmlError, match="width"):
        calibration_of({"widen": 1.0, "width": 1})
