from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.uncertainty.crossed import resampled_parts, resampling_units, variance_parts

NAMES = ("a", "b", "c")


def grid(sizes: tuple[int, int, int], deviations: tuple[float, float, float, float], seed: int) -> np.ndarray:
    """a_i + b_j + c_k + interaction of a and b, all drawn from normals."""
    rng = np.random.default_rng(seed)
    a, b, c, ab = deviations
    return np.asarray(
        a * rng.standard_normal(sizes[0])[:, None, None]
        + b * rng.standard_normal(sizes[1])[None, :, None]
        + c * rng.standard_normal(sizes[2])[None, None, :]
        + ab * rng.standard_normal(sizes[:2])[:, :, None]
    )


def slow(answers: np.ndarray, shared: set[int]) -> float:
    """Half the mean squared difference over pairs of cells that share exactly these inputs, in plain loops."""
    cells = [c for c in np.ndindex(answers.shape) if np.isfinite(answers[c])]
    found = [0.5 * (answers[p] - answers[q]) ** 2 for p, q in combinations(cells, 2) if {k for k in range(3) if p[k] == q[k]} == shared]
    return float(np.mean(found))


def test_each_part_is_that_of_plain_loops_with_answers_missing() -> None:
    answers = grid((4, 3, 2), (1.0, 0.5, 0.2, 0.3), 0)
    answers[0, 1, 1] = answers[3, 0, 0] = np.nan
    parts = variance_parts(answers, NAMES)
    assert parts.variance == pytest.approx(slow(answers, set()))
    for k in range(3):
        assert parts.parts[k].first == pytest.approx(slow(answers, set()) - slow(answers, {k}))
        assert parts.parts[k].total == pytest.approx(slow(answers, {0, 1, 2} - {k}))


def test_parts_are_without_bias_for_few_levels() -> None:
    found = [variance_parts(grid((4, 4, 2), (1.0, 0.5, 0.2, 0.3), seed), NAMES) for seed in range(500)]
    firsts = np.mean([[p.first for p in one.parts] for one in found], axis=0)
    totals = np.mean([[p.total for p in one.parts] for one in found], axis=0)
    assert np.mean([one.variance for one in found]) == pytest.approx(1 + 0.25 + 0.04 + 0.09, abs=0.1)
    assert firsts == pytest.approx([1.0, 0.25, 0.04], abs=0.1)
    assert totals == pytest.approx([1.09, 0.34, 0.04], abs=0.1)


def test_of_an_input_with_one_level_nothing_is_known_and_the_others_are_as_without_it() -> None:
    answers = grid((5, 4, 1), (1.0, 0.5, 0.0, 0.2), 3)
    parts, flat = variance_parts(answers, NAMES), variance_parts(answers[:, :, 0], NAMES[:2])
    assert parts.variance == flat.variance and parts.parts[:2] == flat.parts
    assert np.isnan(parts.parts[2].first) and np.isnan(parts.parts[2].total)


def test_weights_of_one_change_nothing_and_random_ones_spread_about_the_estimate() -> None:
    answers = grid((6, 6, 2), (1.0, 0.5, 0.2, 0.0), 2)
    plain = variance_parts(answers, NAMES)
    assert variance_parts(answers, NAMES, [np.ones(n) for n in answers.shape]) == plain
    firsts = [p.parts[0].first for p in resampled_parts(answers, NAMES, draws=200)]
    assert np.percentile(firsts, 5) < plain.parts[0].first < np.percentile(firsts, 95)


@pytest.mark.parametrize("sizes", [(1, 2, 1), (2, 2, 1), (2, 2, 2), (3, 2, 1), (4, 3, 2)])
def test_what_rests_on_one_unit_is_what_resampling_leaves_as_it_is(sizes: tuple[int, int, int]) -> None:
    answers = grid(sizes, (1.0, 0.5, 0.2, 0.3), 1) + 0.1 * np.random.default_rng(2).standard_normal(sizes)
    drawn = resampled_parts(answers, NAMES, draws=40)
    variance, parts = resampling_units(answers, NAMES)
    assert (variance < 2) == (np.ptp([p.variance for p in drawn]) < 1e-9)
    for row, kind in enumerate(("first", "total")):
        shares = np.array([[getattr(one, kind) / p.variance for one in p.parts] for p in drawn])
        assert ((parts[row] < 2) == (np.isnan(shares).all(axis=0) | (np.ptp(shares, axis=0) < 1e-9))).all()


def test_too_few_answers_and_wrong_names_are_refused() -> None:
    with pytest.raises(CellmlError, match="no two of them differ"):
        variance_parts(np.where(np.eye(3)[0][:, None] > 0, np.arange(3.0), np.nan), ("a", "b"))
    with pytest.raises(CellmlError, match="one name an axis"):
        variance_parts(np.zeros((2, 2)), ("a",))
