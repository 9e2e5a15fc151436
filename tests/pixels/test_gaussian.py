from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from cellml.pixels.gaussian import TRUNCATE, kernel, radius, smooth

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("sigmas", [(0, 1, 1), (0, 2.5, 2.5), (1, 0.4, 3), (0, 9, 9), (2, 0, 0)])
@pytest.mark.parametrize("shape", [(3, 20, 31), (1, 7, 5), (6, 4, 1)])
def test_it_is_scipys_gaussian_even_where_the_kernel_is_wider_than_the_field(sigmas: tuple[float, ...], shape: tuple[int, ...]) -> None:
    field = RNG.normal(size=shape).astype(np.float32)
    expected = gaussian_filter(field.astype(float), sigmas, mode="reflect", radius=[radius(s) for s in sigmas])
    np.testing.assert_allclose(smooth(field, sigmas), expected, atol=2e-6)


@given(st.floats(0.2, 20))
@settings(max_examples=30, deadline=None)
def test_a_kernel_is_symmetric_adds_up_to_one_and_has_its_standard_deviation(sigma: float) -> None:
    weights = kernel(sigma).astype(float)
    x = np.arange(len(weights)) - len(weights) // 2
    assert weights.sum() == pytest.approx(1, abs=1e-6) and np.array_equal(weights, weights[::-1])
    assert len(weights) == 2 * radius(sigma) + 1 >= 2 * TRUNCATE * sigma
    if sigma > 1:
        assert np.sqrt((weights * x**2).sum()) == pytest.approx(sigma, rel=0.03)


def test_a_constant_stays_and_the_mean_is_kept() -> None:
    np.testing.assert_allclose(smooth(np.full((2, 9, 9), 3, np.float32), (1, 2, 4)), 3, rtol=1e-6)
    field = RNG.normal(size=(2, 16, 16)).astype(np.float32)
    assert smooth(field, (0, 2, 2)).mean() == pytest.approx(field.mean(), abs=1e-6), "reflection loses nothing"


def test_beyond_its_radius_nothing_is_seen() -> None:
    field = np.zeros((1, 1, 41), np.float32)
    field[0, 0, 20] = 1
    seen = np.flatnonzero(smooth(field, (0, 0, 3))[0, 0])
    assert seen.min() == 20 - radius(3) and seen.max() == 20 + radius(3)
