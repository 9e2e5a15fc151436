from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from cellml.tomography.misalignment import Misalignment, misaligned
from cellml.tomography.noise import noisy
from cellml.tomography.order_check import likeness, order_warning
from cellml.tomography.simulate import simulate_tilts
from cellml.types import TiltSeries, Volume


@cache
def series() -> TiltSeries:
    """Projections of blobs in a slab of 24 × 48 × 56 voxels, -60° to 60° by 3°."""
    blobs = gaussian_filter(np.random.default_rng(0).normal(size=(24, 48, 56)), 2.0)
    return simulate_tilts(Volume(blobs.astype(np.float32), (1.0,) * 3), np.arange(-60, 61, 3.0))


def dose_symmetric(count: int) -> np.ndarray:
    """Numbers of sorted tilts in the order 0, +, −, +, −, …"""
    return np.argsort(np.abs(np.arange(count) - count // 2 - 0.1), kind="stable")


@pytest.mark.parametrize("snr", [np.inf, 1.0])
@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_interchanged_angles_are_found_and_right_ones_are_not(snr: float, shift: float) -> None:
    rng = np.random.default_rng(2)
    right = misaligned(series(), Misalignment.drawn(41, rng, shift=shift))
    if np.isfinite(snr):
        right = noisy(right, snr, np.ones(right.data.shape, bool), rng)
    recorded = replace(right, data=right.data[dose_symmetric(41)], angles=right.angles[dose_symmetric(41)])
    for good in (right, recorded, replace(right, angles=right.angles[::-1])):
        assert order_warning(good) is None
    shuffled = replace(right, angles=rng.permutation(right.angles))
    sorted_angles = replace(recorded, angles=np.sort(recorded.angles))
    assert "as they stand in the stack" in str(order_warning(shuffled))
    assert "dose-symmetric" in str(order_warning(sorted_angles))


def test_noise_alone_says_nothing() -> None:
    rng = np.random.default_rng(3)
    noise = TiltSeries(rng.normal(size=(41, 48, 48)).astype(np.float32), rng.permutation(np.arange(-60, 61, 3.0)), 1.0)
    assert order_warning(noise) is None


def test_likeness_of_displaced_copies_is_nearly_one_and_few_projections_say_nothing() -> None:
    image = series().data[20]
    copies = replace(series(), data=np.stack([np.roll(image, 2 * n, axis=1) for n in range(3)]), angles=np.array([-1.0, 0.0, 1.0]))
    assert likeness(copies, np.arange(3)) > 0.8
    assert order_warning(copies) is None
