"""Filters: closed forms of the ramp and the shares of angle, and what they do to the mean."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cellml.errors import CellmlError
from cellml.tomography.filters import Cosine, Exact, Hamming, Hann, Ramp, SheppLogan, SirtLike, angular_shares, overlap, ramp
from cellml.tomography.geometry import rays
from cellml.tomography.wbp import _in_torch, filtered

FREQUENCIES = np.arange(129) / 256


def test_the_ramp_is_the_frequency() -> None:
    assert np.allclose(ramp(FREQUENCIES)[1:], FREQUENCIES[1:], atol=1.5e-3)
    assert 0 < ramp(FREQUENCIES)[0] < 2e-3


@pytest.mark.parametrize(("filter", "end"), [(SheppLogan(), 2 / np.pi), (Cosine(), 0.0), (Hamming(), 0.08), (Hann(), 0.0), (Ramp(), 1.0)])
def test_windows_end_as_they_should(filter: Ramp, end: float) -> None:
    geometry = rays(np.arange(-60, 61, 2.0), depth=30, breadth=64)
    plain = Ramp().response(FREQUENCIES, geometry)
    windowed = filter.response(FREQUENCIES, geometry)
    assert np.allclose(windowed[:, -1], end * plain[:, -1]) and np.allclose(windowed[:, 0], plain[:, 0])


def test_nothing_passes_beyond_the_cutoff() -> None:
    response = Hamming(cutoff=0.25).response(FREQUENCIES, rays([-10.0, 0.0, 10.0], depth=8, breadth=8))
    assert (response[:, FREQUENCIES > 0.25] == 0).all() and (response[:, FREQUENCIES <= 0.25] > 0).all()
    with pytest.raises(CellmlError, match="Nyquist"):
        Ramp(cutoff=0.6)


def test_shares_of_even_tilts_are_the_step_with_or_without_a_wedge() -> None:
    for tilts in (np.arange(-60, 61, 2.0), np.arange(-90, 90, 2.0), np.arange(0, 180, 2.0), np.arange(-30, 71, 2.0)[::-1]):
        assert np.allclose(angular_shares(rays(tilts, depth=1, breadth=1)), np.deg2rad(2.0))


def test_shares_of_uneven_tilts_are_what_lies_between_their_neighbours() -> None:
    shares = np.rad2deg(angular_shares(rays([10.0, 0.0, 4.0, -2.0], depth=1, breadth=1)))
    assert np.allclose(shares, [6.0, 3.0, 5.0, 2.0])  # of 10, 0, 4 and -2 degrees
    assert np.allclose(np.rad2deg(angular_shares(rays([20.0], depth=1, breadth=1))), 180)


def test_a_direction_that_was_measured_twice_is_shared() -> None:
    shares = np.rad2deg(angular_shares(rays(np.arange(-90, 91, 10.0), depth=1, breadth=1)))
    assert np.isclose(shares[0] + shares[-1], 10.0) and np.allclose(shares[1:-1], 10.0)


def test_overlap_counts_all_tilts_at_zero_and_each_alone_far_out() -> None:
    found = overlap(np.array([0.0, 0.5]), rays(np.arange(-60, 61, 10.0), depth=40, breadth=64))
    assert np.allclose(found[:, 0], 13) and np.allclose(found[:, 1], 1)


def test_the_sirt_like_filter_approaches_the_exact_one() -> None:
    geometry = rays(np.arange(-60, 61, 3.0), depth=30, breadth=64)
    exact = Exact().response(FREQUENCIES, geometry)
    assert np.allclose(SirtLike(2000).response(FREQUENCIES, geometry), exact, rtol=1e-6)
    assert (SirtLike(5).response(FREQUENCIES, geometry)[:, -1] < 0.2 * exact[:, -1]).all()
    with pytest.raises(CellmlError, match="at least 1"):
        SirtLike(0)


def test_filtering_on_the_processor_and_in_torch_are_the_same_and_the_former_is_a_convolution() -> None:
    geometry = rays(np.arange(-60, 61, 20.0), depth=10, breadth=20)
    lines = torch.rand(7, 20, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    lines[:, [0, -1]] = 0  # a specimen that ends inside the image is padded by zeros
    found = filtered(lines, geometry, Ramp())
    n = np.arange(-19, 20)
    kernel = np.where(n % 2 != 0, -1.0 / (np.pi * np.where(n == 0, 1, n)) ** 2, 0.0)
    kernel[19] = 0.25
    expected = np.deg2rad(20) * np.convolve(lines[2, :, 1].numpy(), kernel)[19:39]
    assert np.allclose(found[2, :, 1], expected, atol=1e-12)
    weights = Ramp().response(np.arange(21) / 40, geometry)
    assert np.allclose(_in_torch(lines, weights, 40), found, atol=1e-12)
