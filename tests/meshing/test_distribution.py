from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellml.meshing.distribution import distribution, kernel_density


@settings(deadline=None)
@given(hnp.arrays(np.float64, st.integers(1, 200), elements=st.floats(0.0, 180.0)))
def test_the_density_integrates_to_one(values):
    centres, density = kernel_density(values, 0.0, 180.0, 0.25)
    assert np.sum(density) * (centres[1] - centres[0]) == pytest.approx(1.0)
    assert (density >= 0).all()


def test_the_density_is_that_of_a_sum_over_all_values():
    values = np.random.default_rng(0).normal(70.0, 8.0, 400)
    centres, density = kernel_density(values, 0.0, 180.0, 0.25)
    quartiles = np.percentile(values, (25, 75))
    h = 0.9 * min(values.std(), (quartiles[1] - quartiles[0]) / 1.34) * len(values) ** -0.2
    kernel = np.exp(-0.5 * ((centres[:, None] - values) / h) ** 2) / (h * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(density, kernel.mean(axis=1), atol=5e-3 * density.max())


def test_what_is_stored_draws_the_histogram_and_its_curve():
    values = np.random.default_rng(0).normal(70.0, 12.0, (500, 6))
    stored = distribution(values, "°", 0.0, 180.0)
    assert sum(stored.counts) == 3000
    np.testing.assert_array_equal(stored.edges(), np.arange(0, 181, 5))
    np.testing.assert_array_equal(stored.counts, np.histogram(values, stored.edges())[0])
    curve = np.interp(stored.edges()[:-1] + 2.5, stored.positions(), stored.density)
    np.testing.assert_allclose(curve, np.array(stored.counts) / 3000 / 5.0, atol=0.1 * curve.max())


def test_equal_values_give_one_peak():
    stored = distribution(np.full(10, 60.0), "°", 0.0, 180.0)
    assert stored.positions()[np.argmax(stored.density)] == 60.0
