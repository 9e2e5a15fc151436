from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.fft import rfftn

from cellml.errors import CellmlError
from cellml.tomography.consistency import impose, wiener_weights
from cellml.tomography.shell_snr import ShellSnr, projection_snr, tilt_shell_snr
from cellml.tomography.wedge import coverage, measured_mask

TILTS = np.arange(-60, 61, 3.0)


def volumes(shape: tuple[int, int, int] = (12, 10, 14)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=shape), rng.normal(size=shape)


def test_measured_coefficients_return_and_the_others_stay() -> None:
    inferred, measured = volumes()
    mask = np.broadcast_to(measured_mask(inferred.shape, TILTS), (12, 10, 8))
    out = rfftn(impose(inferred, measured, mask))
    np.testing.assert_allclose(out[mask], rfftn(measured)[mask], atol=1e-10)
    np.testing.assert_allclose(out[~mask], rfftn(inferred)[~mask], atol=1e-10)


def test_coefficients_may_be_given_instead_of_a_volume() -> None:
    inferred, measured = volumes()
    weights = wiener_weights(inferred.shape, TILTS, 2.0)
    np.testing.assert_allclose(impose(inferred, rfftn(measured), weights), impose(inferred, measured, weights), atol=1e-10)


def test_grey_values_of_eight_bits_do_not_wrap_around() -> None:
    rng = np.random.default_rng(3)
    inferred, measured = rng.integers(0, 256, (2, 12, 10, 14), dtype=np.uint8)
    mask = measured_mask(inferred.shape, TILTS)
    out = impose(inferred, measured, mask)
    np.testing.assert_allclose(out, impose(inferred.astype(float), measured.astype(float), mask), atol=1e-3)


def test_torch_agrees_with_numpy_and_its_gradient_is_what_was_not_measured() -> None:
    inferred, measured = volumes()
    mask = measured_mask(inferred.shape, TILTS)
    batch = torch.tensor(np.stack([inferred, -inferred])[:, None], requires_grad=True)
    out = impose(batch, torch.tensor(measured), mask)
    np.testing.assert_allclose(out[0, 0].detach().numpy(), impose(inferred, measured, mask), atol=1e-10)
    direction, upstream = volumes()[0], volumes()[1]
    out[0, 0].backward(torch.tensor(upstream))
    change = impose(inferred + direction, measured, mask) - impose(inferred, measured, mask)
    assert float((batch.grad[0, 0].numpy() * direction).sum()) == pytest.approx(float((change * upstream).sum()), rel=1e-9)
    assert float(batch.grad[1].abs().max()) == 0


def test_weights_are_wieners_for_the_number_of_tilts() -> None:
    shape = (12, 10, 14)
    count = coverage(shape, TILTS)
    np.testing.assert_allclose(wiener_weights(shape, TILTS, 0.5), count * 0.5 / (1 + count * 0.5), rtol=1e-6)
    np.testing.assert_array_equal(wiener_weights(shape, TILTS), count > 0)
    shells = ShellSnr(np.array([0.0, 0.5]), np.array([4.0, 0.0]))
    weights = wiener_weights(shape, TILTS, shells)
    n, snr = count[0, 0, 3], 4 * (1 - np.hypot(3 / 14, 2 / 10) / 0.5)
    assert weights[0, 2, 3] == pytest.approx(n * snr / (1 + n * snr), rel=1e-5)
    assert weights.shape == (12, 10, 8)


def test_blending_with_wieners_weight_is_the_best_linear_estimate() -> None:
    rng = np.random.default_rng(1)
    shape, snr = (16, 24, 16), 0.5
    truth, noise = rng.normal(size=shape), rng.normal(size=shape) / np.sqrt(snr)
    inferred = np.zeros(shape)  # knows nothing: its error is the signal, as Wiener's weight supposes
    mask = measured_mask(shape, [0.0])

    def error(weight: float) -> float:
        out = rfftn(impose(inferred, truth + noise, mask * weight))
        return float((np.abs(out - rfftn(truth))[np.broadcast_to(mask, out.shape)] ** 2).mean())

    best = float(wiener_weights(shape, [0.0], snr).max())
    assert error(best) < min(error(best - 0.1), error(best + 0.1))


def test_snr_of_a_tilt_series_by_frequency() -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(5, 64, 80)) * 3
    assert np.median(tilt_shell_snr(noise).ratio) < 0.1
    wave = 20 * np.cos(2 * np.pi * 0.125 * np.arange(80))
    snr = tilt_shell_snr(noise + wave, noise_variance=9.0)
    assert snr.radius[snr.ratio.argmax()] == pytest.approx(0.125, abs=0.02)
    assert np.isinf(tilt_shell_snr(noise, 0.0).at(np.array([0.1]))).all()


def test_projection_snr_is_pooled_over_tilts_inside_the_support() -> None:
    clean = np.zeros((2, 4, 4))
    clean[1, :2] = 2.0
    support = np.zeros(clean.shape, bool)
    support[:, :2] = True
    assert projection_snr(clean, 0.5, support) == pytest.approx(2.0)
    assert np.isinf(projection_snr(clean, 0.0))


def test_shapes_must_fit() -> None:
    inferred, measured = volumes()
    with pytest.raises(CellmlError, match="must agree"):
        impose(inferred, measured[:-1], np.ones((12, 10, 8)))
    with pytest.raises(CellmlError, match="do not fit"):
        impose(inferred, measured, np.ones((12, 10, 14)))
    with pytest.raises(CellmlError, match="0 or more"):
        wiener_weights((8, 8, 8), TILTS, -1.0)
