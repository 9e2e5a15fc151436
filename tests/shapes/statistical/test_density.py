"""Densities of codes against scipy, scikit-learn and quadrature."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.shapes.statistical.density import COVARIANCES, Density, by_class, gaussian, mixture


def _codes(count: int = 80, size: int = 3, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    mixing = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.0], [0.0, 0.0, 0.8]])[:size, :size]
    return random.standard_normal((count, size)) @ mixing


def test_log_density_is_that_of_scipy() -> None:
    from scipy.special import logsumexp
    from scipy.stats import multivariate_normal

    means, weights = np.array([[0.0, 1.0], [2.0, -1.0]]), np.array([0.3, 0.7])
    covariances = np.array([[[1.0, 0.3], [0.3, 2.0]], [[0.5, 0.0], [0.0, 0.1]]])
    at = np.random.default_rng(0).standard_normal((20, 2))
    parts = [np.log(w) + multivariate_normal(m, c).logpdf(at) for w, m, c in zip(weights, means, covariances, strict=True)]
    np.testing.assert_allclose(Density(weights, means, covariances).log_density(at), logsumexp(np.stack(parts), axis=0), atol=1e-12)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_mixture_is_that_of_scikit_learn(covariance: str) -> None:
    from sklearn.mixture import GaussianMixture

    codes = np.concatenate([_codes(), _codes(seed=1) + 4])
    theirs = GaussianMixture(2, covariance_type=covariance, reg_covar=1e-3, n_init=3, random_state=3).fit(codes)
    np.testing.assert_allclose(mixture(codes, 2, covariance, seed=3).log_density(codes), theirs.score_samples(codes), atol=1e-9)


def test_gaussian_keeps_unit_variances_and_finds_the_correlation() -> None:
    found = gaussian(_codes(4000))
    np.testing.assert_allclose(np.diag(found.covariances[0]), 1.0)
    assert found.covariances[0, 0, 2] == pytest.approx(0.5 / np.hypot(0.5, 0.8), abs=0.05)


def test_samples_have_the_moments_of_the_density() -> None:
    density = Density(np.array([0.25, 0.75]), np.array([[0.0, 0.0], [4.0, 0.0]]), np.stack([np.eye(2), 0.25 * np.eye(2)]))
    drawn = density.sample(40_000, np.random.default_rng(0))
    np.testing.assert_allclose(drawn.mean(axis=0), [3.0, 0.0], atol=0.03)
    np.testing.assert_allclose(drawn.var(axis=0), [0.25 + 0.75 * 0.25 + 3.0, 0.25 + 0.75 * 0.25], rtol=0.05)
    one = density.sample(2000, np.random.default_rng(0), component=0)
    np.testing.assert_allclose(one.mean(axis=0), 0.0, atol=0.1)


def test_wider_and_likeliest() -> None:
    density = Density(np.array([0.5, 0.5]), np.array([[0.0], [3.0]]), np.array([[[1.0]], [[0.1]]]))
    np.testing.assert_allclose(density.likeliest(), [3.0])
    np.testing.assert_allclose(density.wider(2.0).covariances[:, 0, 0], [2.0, 0.2])


def test_class_densities_are_weighted_by_frequency() -> None:
    codes, labels = np.concatenate([_codes(30), _codes(10, seed=1) + 5, _codes(4, seed=2)]), np.repeat([0, 1, -1], [30, 10, 4])
    found = by_class(codes, labels, ["thin", "mushroom"])
    np.testing.assert_allclose(found.weights, [0.75, 0.25])
    np.testing.assert_allclose(found.means[1], codes[30:40].mean(axis=0))


def test_a_class_with_one_member_is_named() -> None:
    with pytest.raises(CellmlError, match="'filopodium' has 1 member"):
        by_class(_codes(11), np.repeat([0, 1], [10, 1]), ["thin", "filopodium"])


def test_bad_mixtures_are_explained() -> None:
    with pytest.raises(CellmlError, match="needs 10 shapes or more; there are 6"):
        mixture(_codes(6), 5)
    with pytest.raises(CellmlError, match="covariance='round' is not known"):
        mixture(_codes(6), 1, "round")
