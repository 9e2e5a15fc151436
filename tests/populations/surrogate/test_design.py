"""Rules that choose by features alone."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.populations.surrogate.design import NOISE, experimental_design, farthest_first, prior_covariance
from cellml.populations.surrogate.occasion import Occasion


def occasion(known: int = 0) -> Occasion:
    """Thirty shapes of two kinds, twenty-five and five, of which the first are known."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(25, 3)) * 0.2, rng.normal(size=(5, 3)) * 0.2 + [4.0, 0.0, 0.0]])
    return Occasion(None, x[:known], x[known:], rng)


@pytest.mark.parametrize("rule", [experimental_design, farthest_first])
def test_it_needs_no_answers_and_looks_at_rare_kinds_early(rule) -> None:  # type: ignore[no-untyped-def]
    chosen = rule(occasion(), 5)
    assert (chosen >= 25).any() and (chosen < 25).any()
    assert (rule(occasion(known=20), 1) >= 5).all()  # of what is known all is of the frequent kind
    assert sorted(rule(occasion(), 99).tolist()) == list(range(30))


def test_it_chooses_at_once_what_it_chooses_one_after_the_other() -> None:
    rows, one = occasion().candidates, []
    for _ in range(5):
        left = np.setdiff1d(np.arange(30), one)
        one.append(int(left[experimental_design(Occasion(None, rows[one], rows[left], np.random.default_rng(0)), 1)[0]]))
    assert experimental_design(occasion(), 5).tolist() == one


def test_the_design_lowers_the_variance_of_a_gaussian_process_more_than_chance() -> None:
    """The posterior variance is computed anew by sklearn's formula of the same kernel."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct

    at = occasion(known=4)
    x = at.scaled(np.concatenate([at.known, at.candidates]))
    kernel = ConstantKernel(0.5, "fixed") * DotProduct(1e-9, "fixed") + RBF(1.5, "fixed")
    np.testing.assert_allclose(prior_covariance(x), kernel(x), atol=1e-9)

    def mean_variance(chosen: np.ndarray) -> float:
        rows = np.concatenate([np.arange(4), 4 + chosen])
        process = GaussianProcessRegressor(kernel, alpha=NOISE, optimizer=None).fit(x[rows], np.zeros(len(rows)))
        return float((process.predict(x, return_std=True)[1] ** 2).mean())

    rng = np.random.default_rng(1)
    by_chance = [mean_variance(rng.permutation(26)[:5]) for _ in range(20)]
    assert mean_variance(experimental_design(at, 5)) <= min(by_chance)


def test_equal_shapes_are_not_chosen_twice_while_there_are_others() -> None:
    rows = np.repeat(np.random.default_rng(3).normal(size=(4, 2)), 5, axis=0)
    chosen = experimental_design(Occasion(None, rows[:0], rows, np.random.default_rng(0)), 4)
    assert sorted(n // 5 for n in chosen.tolist()) == [0, 1, 2, 3]


def test_farthest_first_agrees_with_a_slow_twin() -> None:
    at = occasion(known=6)
    x, points = at.scaled(at.candidates), list(at.scaled(at.known))
    expected = []
    for _ in range(4):
        expected.append(int(np.argmax([min(np.linalg.norm(one - p) for p in points) for one in x])))
        points.append(x[expected[-1]])
    assert farthest_first(at, 4).tolist() == expected
