"""Sections average what they cover, the probe blurs as a Gaussian of its width, electrons are counted."""

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.shapes.synthetic.exposure import Exposure

SPACING = (40.0, 5.0, 5.0)


def test_sections_are_means_over_their_thickness():
    tissue = np.random.default_rng(0).random((9, 16, 16)).astype(np.float32)
    found = Exposure(psf_nm=0.0).project(tissue, 3, SPACING)
    np.testing.assert_allclose(found, np.stack([tissue[i : i + 3].mean(axis=0) for i in (0, 3, 6)]), atol=1e-6)


def test_a_point_is_spread_by_the_probe_within_its_section():
    tissue = np.zeros((3, 41, 41), np.float32)
    tissue[1, 20, 20] = 1
    found = Exposure(psf_nm=12.0).project(tissue, 1, SPACING)
    assert found[0].max() == found[2].max() == 0
    x = (np.arange(41) - 20) * 5.0
    assert np.sqrt((found[1].sum(axis=0) * x**2).sum()) == pytest.approx(12.0, rel=0.02)


def test_noise_is_that_of_the_dose():
    sections = np.full((4, 64, 64), 0.5, np.float32)
    sections[:, :, 32:] = 1.0
    found = Exposure(electrons=(50.0, 50.0), tilt=0.0, contrast=0.0, brightness=0.0).record(sections, SPACING, np.random.default_rng(0))
    for half, level in ((found[:, :, :32], 0.5), (found[:, :, 32:], 1.0)):
        assert half.mean() == pytest.approx(level, rel=0.02)
        assert half.var() == pytest.approx(level * 0.75 / 50, rel=0.05), "variance = brightness × mean brightness / dose"


def test_a_negative_blur_is_refused():
    with pytest.raises(CellmlError, match="blur of 0 nm or more"):
        Exposure(psf_nm=-1.0)
    with pytest.raises(CellmlError, match="doses above 0"):
        Exposure(electrons=(0.0, 5.0))
