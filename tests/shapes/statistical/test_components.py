"""Principal components with shrinkage: closed forms, scikit-learn's covariance, and messages."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.shapes.statistical.components import fit_components


def _values(count: int = 60, size: int = 12, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.standard_normal((count, size)) * np.linspace(5, 0.5, size) + 3


def test_covariance_is_that_of_ledoit_and_wolf() -> None:
    from sklearn.covariance import ledoit_wolf

    values = _values()
    found = fit_components(values, 11)
    expected, alpha = ledoit_wolf(values)
    rest = np.eye(12) - found.modes.T @ found.modes
    ours = (found.modes.T * found.deviations**2) @ found.modes + found.noise * rest
    np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-10)
    assert found.shrinkage == pytest.approx(alpha)


def test_trace_is_kept_whatever_the_number_of_modes() -> None:
    values = _values()
    whole = values.var(axis=0).sum()
    for latent in (1, 4, 11):
        found = fit_components(values, latent)
        assert (found.deviations**2).sum() + found.noise * (12 - latent) == pytest.approx(whole)


def test_codes_and_values_invert_each_other_within_the_modes() -> None:
    found = fit_components(_values(), 4)
    codes = np.random.default_rng(1).standard_normal((5, 4))
    np.testing.assert_allclose(found.codes(found.values(codes)), codes, atol=1e-12)


def test_log_noise_makes_the_density_of_values_the_multivariate_normal() -> None:
    from scipy.stats import multivariate_normal

    values = _values()
    found = fit_components(values, 5)
    rest = np.eye(12) - found.modes.T @ found.modes
    covariance = (found.modes.T * found.deviations**2) @ found.modes + found.noise * rest
    codes = found.codes(values)
    ours = multivariate_normal(np.zeros(5)).logpdf(codes) + found.log_noise(values)
    np.testing.assert_allclose(ours, multivariate_normal(found.mean, covariance).logpdf(values), atol=1e-8)


def test_no_shrinkage_gives_the_variances_of_the_sample() -> None:
    values = _values()
    found = fit_components(values, 3, shrinkage=0.0)
    np.testing.assert_allclose(found.deviations**2, np.linalg.eigvalsh(np.cov(values.T, bias=True))[::-1][:3])


@pytest.mark.parametrize(
    ("values", "latent", "said"),
    [
        (_values(3), 3, "3 modes cannot be told from 3 shapes"),
        (np.repeat(_values(2), 4, axis=0), 3, "1 directions only"),
        (np.where(np.arange(12) == 2, np.nan, _values()), 2, "60 values that are not finite"),
    ],
)
def test_bad_populations_are_explained(values: np.ndarray, latent: int, said: str) -> None:
    with pytest.raises(CellmlError, match=said):
        fit_components(values, latent)


def test_shrinkage_must_be_a_share() -> None:
    with pytest.raises(CellmlError, match="shrinkage must lie"):
        fit_components(_values(), 2, shrinkage=1.5)
