from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.fft import rfftn

from cellml.errors import CellmlError
from cellml.tomography.consistency import impose, wiener_weights
from cellml.tomography.projector import ParallelProjector
from cellml.tomography.shell_snr import ShellSnr
from cellml.tomography.tilt_consistency import consistent_with_tilts
from cellml.tomography.wedge import coverage
from cellml.types import TiltSeries, Volume

SPACING = (10.0, 10.0, 10.0)


def flat(ratio: float) -> ShellSnr:
    return ShellSnr(np.array([0.0, 0.5]), np.array([ratio, ratio]))


def project(data: np.ndarray, tilts: np.ndarray) -> TiltSeries:
    lines = ParallelProjector(tilts, data.shape).forward(torch.from_numpy(np.asarray(data, np.float32)))
    return TiltSeries(lines.numpy(), tilts, 10.0)


def test_perpendicular_tilts_return_coefficients_with_wieners_weight() -> None:
    rng = np.random.default_rng(0)
    truth, inferred = rng.normal(size=(2, 12, 6, 12))
    tilts = np.array([0.0, 90.0])
    out = consistent_with_tilts(Volume(inferred, SPACING), project(truth, tilts), snr=flat(2.0)).data
    weights = wiener_weights(truth.shape, tilts, 2.0)
    np.testing.assert_array_equal(np.unique(coverage(truth.shape, tilts)), [0, 1, 2])
    expected = impose(inferred, truth, weights)
    difference = np.abs(rfftn(out) - rfftn(expected))
    difference[6], difference[:, :, 6] = 0, 0  # exact projections at 0° and 90° reach Nyquist, which the half-sample rule leaves out
    assert difference.max() < 1e-3 * np.abs(rfftn(truth)).max()


def test_overlapping_tilts_do_not_count_twice_and_what_agrees_stays() -> None:
    z, y, x = np.meshgrid(*(np.arange(24) - 11.5,) * 3, indexing="ij")
    truth = np.exp(-(z**2 + y**2 + x**2) / 18).astype(np.float32)
    tilts = np.arange(-60, 61, 3.0)
    series = project(truth, tilts)
    same = consistent_with_tilts(Volume(truth, SPACING), series, snr=flat(100.0)).data
    np.testing.assert_allclose(same, truth, atol=1e-4)
    none = consistent_with_tilts(Volume(np.zeros_like(truth), SPACING), series, snr=flat(100.0), iterations=30).data
    low = coverage(truth.shape, tilts) > 3
    recovered, f = rfftn(none)[np.broadcast_to(low, (24, 24, 13))], rfftn(truth)[np.broadcast_to(low, (24, 24, 13))]
    assert float((recovered * f.conj()).real.sum() / (np.abs(f) ** 2).sum()) == pytest.approx(1, abs=0.02)


def test_noise_without_signal_changes_little() -> None:
    inferred = np.zeros((12, 6, 12))
    noise = TiltSeries(np.random.default_rng(1).normal(size=(3, 6, 12)), np.array([-30.0, 0.0, 30.0]), 10.0)
    strong = consistent_with_tilts(Volume(inferred, SPACING), noise, snr=flat(100.0)).data.std()
    assert consistent_with_tilts(Volume(inferred, SPACING), noise, snr=flat(0.01)).data.std() < 0.05 * strong


def test_rows_must_agree_and_values_be_finite() -> None:
    series = TiltSeries(np.zeros((2, 5, 12)), np.array([0.0, 10.0]), 10.0)
    with pytest.raises(CellmlError, match="5 rows"):
        consistent_with_tilts(Volume(np.zeros((12, 6, 12)), SPACING), series)
    with pytest.raises(CellmlError, match="NaN"):
        consistent_with_tilts(Volume(np.full((12, 5, 12), np.nan), SPACING), series)
