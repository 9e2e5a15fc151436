from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellml.report.angles import DIHEDRAL_GATE, SURFACE_GATE, angle_density, angle_histograms, outside


@settings(deadline=None)
@given(hnp.arrays(np.float64, st.integers(1, 200), elements=st.floats(0.0, 180.0)))
def test_the_density_integrates_to_one(angles):
    centres, density = angle_density(angles)
    assert np.sum(density) * (centres[1] - centres[0]) == pytest.approx(1.0)
    assert (density >= 0).all()


def test_the_density_is_that_of_a_sum_over_all_angles():
    angles = np.random.default_rng(0).normal(70.0, 8.0, 400)
    centres, density = angle_density(angles)
    quartiles = np.percentile(angles, (25, 75))
    h = 0.9 * min(angles.std(), (quartiles[1] - quartiles[0]) / 1.34) * len(angles) ** -0.2
    kernel = np.exp(-0.5 * ((centres[:, None] - angles) / h) ** 2) / (h * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(density, kernel.mean(axis=1), atol=5e-3 * density.max())


def test_gates_count_what_lies_outside():
    assert outside(np.array([9.9, 10.0, 90.0, 179.0]), DIHEDRAL_GATE) == 1
    assert outside(np.array([19.0, 20.0, 130.0, 131.0, 170.0]), SURFACE_GATE) == 3


def test_the_figure_names_groups_and_marks_gates():
    angles = np.full(100, 60.0)
    figure = angle_histograms({"truth": angles, "$prediction": angles}, np.array([]))
    left, right = figure.axes
    assert [t.get_text() for t in left.get_legend().get_texts()] == [
        "truth: 100 angles, 60.0°–60.0°",
        r"\$prediction: 100 angles, 60.0°–60.0°",
    ]
    assert [t.get_text() for t in left.texts] == ["10°"]
    assert [t.get_text() for t in right.texts] == ["20°", "130°"]
