"""Least squares with Wiener's weights as a method of reconstruction."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.data.tomography_phantom import cell_phantom
from cellml.errors import CellmlError
from cellml.metrics.psnr import psnr
from cellml.tomography.shell_snr import tilt_shell_snr
from cellml.tomography.simulate import simulate_tilts
from cellml.tomography.sirt import sirt
from cellml.tomography.tilt_consistency import consistent_with_tilts
from cellml.tomography.wiener import Wiener, wiener
from cellml.types import TiltSeries, Volume

TILTS = np.arange(-60, 61, 4.0)


@pytest.fixture(scope="module")
def noisy() -> tuple[Volume, TiltSeries]:
    truth, labels = cell_phantom((48, 40, 48), seed=3)
    return truth, simulate_tilts(truth, TILTS, snr=1.0, support=labels.data > 0, seed=0)


def test_it_is_data_consistency_of_an_empty_volume(noisy: tuple[Volume, TiltSeries]) -> None:
    truth, series = noisy
    empty = Volume(np.zeros(truth.shape, np.float32), truth.spacing)
    expected = consistent_with_tilts(empty, series, snr=tilt_shell_snr(series.data), iterations=6).data
    np.testing.assert_allclose(wiener(series, 48, iterations=6).data, expected, atol=1e-4 * np.abs(expected).max())


def test_nothing_is_chosen_and_noise_stays_out(noisy: tuple[Volume, TiltSeries]) -> None:
    truth, series = noisy
    by_sirt = [psnr(truth.data, sirt(series, 48, iterations=n).data) for n in (5, 10, 20, 40)]
    assert psnr(truth.data, wiener(series, 48).data) > max(by_sirt)


def test_slabs_are_nearly_as_good_as_the_whole(noisy: tuple[Volume, TiltSeries]) -> None:
    truth, series = noisy
    whole, parts = (psnr(truth.data, wiener(series, 48, rows=rows).data) for rows in (None, 20))
    assert parts == pytest.approx(whole, abs=0.15)  # each slab of 20 rows estimates the noise by itself


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(CellmlError, match="at least 1 iteration"):
        Wiener(iterations=0)
    with pytest.raises(CellmlError, match="halo"):
        Wiener(halo=-1)
