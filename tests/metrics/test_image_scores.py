from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.fft import irfftn, rfftn
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from cellml.errors import CellmlError
from cellml.metrics.grey_fit import grey_fit
from cellml.metrics.psnr import psnr
from cellml.metrics.reprojection import compare_projections, reprojection_error
from cellml.metrics.ssim import ssim
from cellml.metrics.wedge_correlation import apodised, in_wedge_correlation, measured_correlation, shell_correlations
from cellml.tomography.projector import ParallelProjector
from cellml.tomography.wedge import measured_mask, missing_wedge
from cellml.types import TiltSeries, Volume

TILTS = np.arange(-60, 61, 2.0)


def pair(shape: tuple[int, int, int] = (40, 12, 20), seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=shape).astype(np.float32)
    return truth, (0.5 * truth + 0.3 * rng.normal(size=shape) + 7).astype(np.float32)


def test_grey_fit_is_least_squares_and_scores_ignore_the_grey_scale() -> None:
    truth, image = pair()
    gain, offset = np.polyfit(image.ravel().astype(float), truth.ravel().astype(float), 1)
    fit = grey_fit(truth, image)
    assert (fit.gain, fit.offset) == pytest.approx((gain, offset), rel=1e-5)
    assert fit.mean_square == pytest.approx(float(((gain * image + offset - truth) ** 2).mean()), rel=1e-5)
    assert psnr(truth, image) == pytest.approx(10 * np.log10(np.ptp(truth) ** 2 / fit.mean_square), rel=1e-5)
    assert psnr(truth, -3 * image + 5) == pytest.approx(psnr(truth, image), rel=1e-4)
    assert ssim(truth, -3 * image + 5) == pytest.approx(ssim(truth, image), rel=1e-4)


def test_ssim_by_slabs_is_that_of_the_whole() -> None:
    truth, image = pair()
    whole = structural_similarity(truth.astype(float), grey_fit(truth, image).apply(image).astype(float), data_range=float(np.ptp(truth)))
    assert ssim(truth, image) == pytest.approx(whole, abs=1e-6)


def test_correlation_of_known_spectra() -> None:
    truth, _ = pair((32, 32, 32))
    noise, _ = pair((32, 32, 32), seed=5)
    everything = np.ones((1, 1, 1), bool)
    np.testing.assert_allclose(shell_correlations(truth, 2 * truth + 1, everything), 1, atol=1e-6)
    np.testing.assert_allclose(shell_correlations(truth, -truth, everything), -1, atol=1e-6)
    half = shell_correlations(truth, truth + noise, everything)
    assert np.mean(half) == pytest.approx(np.sqrt(0.5), abs=0.05)


def test_shell_correlation_is_the_slow_definition() -> None:
    truth, image = pair((16, 12, 14))
    mask = missing_wedge(truth.shape, TILTS, margin=1.0, full=True)
    f, g = np.fft.fftn(apodised(truth)), np.fft.fftn(apodised(image))
    radius = np.sqrt(sum(k**2 for k in np.meshgrid(*(np.fft.fftfreq(n) for n in truth.shape), indexing="ij")))
    slow = []
    for low in np.arange(1, 16) / 32:
        shell = (radius >= low - 1e-12) & (radius < low + 1 / 32 - 1e-12) & np.broadcast_to(mask, radius.shape)
        cross, power = (f[shell] * g[shell].conj()).sum().real, (np.abs(f[shell]) ** 2).sum() * (np.abs(g[shell]) ** 2).sum()
        slow.append(cross / np.sqrt(power) if shell.any() else np.nan)
    fast = shell_correlations(truth, image, missing_wedge(truth.shape, TILTS, margin=1.0))
    np.testing.assert_allclose(fast, slow, atol=1e-5)
    assert in_wedge_correlation(truth, image, TILTS) == pytest.approx(np.nanmean(slow), abs=1e-5)


def test_what_is_inferred_does_not_count_as_measured_nor_the_other_way_round() -> None:
    truth, other = pair((48, 16, 48))[0], pair((48, 16, 48), seed=9)[0]
    mask = measured_mask(truth.shape, TILTS)
    only_measured = irfftn(rfftn(truth) * mask, s=truth.shape) + irfftn(rfftn(other) * ~mask, s=truth.shape)
    assert in_wedge_correlation(truth, only_measured, TILTS) < 0.2
    assert measured_correlation(truth, only_measured, TILTS) > 0.75
    flipped = irfftn(rfftn(other) * mask, s=truth.shape) + irfftn(rfftn(truth) * ~mask, s=truth.shape)
    assert in_wedge_correlation(truth, flipped, TILTS) > 0.8


def test_one_strong_shell_does_not_decide() -> None:
    rng = np.random.default_rng(3)
    z = np.arange(32)[:, None, None]
    wave = 50 * np.cos(2 * np.pi * 3 * z / 32) * np.ones((32, 32, 32))
    truth, image = wave + rng.normal(size=(32, 32, 32)), wave + rng.normal(size=(32, 32, 32))
    assert in_wedge_correlation(truth, image, TILTS) < 0.5


def test_reprojection_is_free_of_gain_and_offset() -> None:
    rng = np.random.default_rng(4)
    image, ones = rng.normal(size=(3, 5, 6)), np.abs(rng.normal(size=(3, 5, 6)))
    perfect = compare_projections(image, ones, 2 * image - 3 * ones)
    assert perfect.relative < 1e-10
    assert perfect.correlation == pytest.approx(1)
    poor = compare_projections(image, ones, rng.normal(size=(3, 5, 6)))
    assert poor.relative == pytest.approx(np.sqrt(np.mean(np.square(poor.each))), rel=1e-12)
    assert poor.relative > 0.8


def test_a_volume_explains_its_own_held_out_projections_on_any_grey_scale() -> None:
    rng = np.random.default_rng(6)
    tilts = np.array([-70.0, 65.0])
    truth = gaussian_filter(rng.normal(size=(20, 6, 20)), 1.5)
    lines = ParallelProjector(tilts, truth.shape, width=29).forward(torch.from_numpy(truth)).numpy()
    held_out = TiltSeries(lines, tilts, 10.0)
    spacing = (10.0, 10.0, 10.0)
    assert reprojection_error(Volume(3 * truth + 7, spacing), held_out).relative < 1e-4
    assert reprojection_error(Volume(truth[::-1].copy(), spacing), held_out).relative > 0.5
    with pytest.raises(CellmlError, match="6 rows"):
        reprojection_error(Volume(truth[:, 1:], spacing), held_out)


def test_bad_input_is_refused() -> None:
    truth, image = pair()
    with pytest.raises(CellmlError, match="same voxels"):
        psnr(truth, image[1:])
    with pytest.raises(CellmlError, match="constant"):
        ssim(np.ones((8, 8, 8)), np.zeros((8, 8, 8)))
    with pytest.raises(CellmlError, match="NaN"):
        grey_fit(truth, np.where(image > 7, np.nan, image))
    with pytest.raises(CellmlError, match="no coefficient"):
        in_wedge_correlation(truth, image, np.arange(-90, 90, 1.0))
