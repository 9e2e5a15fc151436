from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.tomography.inferred_spectrum import inferred_spectrum
from cellml.tomography.information import (
    ensemble_uncertainty,
    global_inferred_share,
    inferred_share,
    local_share,
    object_information,
    split,
)
from cellml.tomography.wedge import measured_mask
from cellml.types import Labels, Volume

TILTS = np.arange(-60, 61, 3.0)
SPACING = (10.0, 10.0, 10.0)


def wave(shape: tuple[int, int, int], index: tuple[int, int, int]) -> np.ndarray:
    phase = sum(
        2 * np.pi * i * np.arange(n).reshape([-1 if a == k else 1 for k in range(3)]) / n
        for a, (i, n) in enumerate(zip(index, shape, strict=True))
    )
    return np.cos(phase).astype(np.float32)


def test_a_wave_along_the_beam_is_inferred_and_one_across_is_measured() -> None:
    shape = (16, 8, 16)
    assert inferred_share(Volume(wave(shape, (4, 0, 0)) + 5, SPACING), TILTS).data.min() > 0.999
    assert inferred_share(Volume(wave(shape, (0, 2, 4)) + 5, SPACING), TILTS).data.max() < 1e-6


def test_the_share_follows_the_structure_in_space_and_amplitudes_squared() -> None:
    shape = (32, 4, 64)
    along, across = wave(shape, (6, 0, 0)), wave(shape, (0, 0, 8))
    share = inferred_share(Volume(2 * along + across, SPACING), TILTS, window_nm=60).data
    np.testing.assert_allclose(share, 0.8, atol=0.02)
    left = (np.arange(64) < 32).astype(np.float32)
    halves = inferred_share(Volume(along * left + across * (1 - left), SPACING), TILTS, window_nm=20).data
    assert halves[:, :, 12:20].min() > 0.8 > 0.2 > halves[:, :, 44:52].max()


def test_parts_add_up_and_their_energies_are_those_of_the_coefficients() -> None:
    data = np.random.default_rng(0).normal(size=(12, 6, 16)).astype(np.float32)
    mask = measured_mask(data.shape, TILTS)
    inferred, measured = split(data, mask)
    np.testing.assert_allclose(inferred + measured, data - data.mean(), atol=1e-5)
    assert float((inferred * measured).sum()) == pytest.approx(0, abs=1e-2)
    power = np.abs(np.fft.fftn(data - data.mean())) ** 2
    outside = ~np.broadcast_to(measured_mask(data.shape, TILTS, full=True), power.shape)
    expected = power[outside].sum() / power.sum()
    assert global_inferred_share(Volume(data, SPACING), TILTS) == pytest.approx(expected, rel=1e-4)


def test_energies_add_up_for_weights_that_are_no_mask() -> None:
    data = np.random.default_rng(3).normal(2, 1, size=(10, 6, 12)).astype(np.float32)
    weights = np.random.default_rng(4).random((10, 1, 7)).astype(np.float32)
    weights[1:, :, [0, 6]] = (weights[1:, :, [0, 6]] + weights[:0:-1, :, [0, 6]]) / 2  # as the transform of real numbers has it
    inferred, measured = split(data, weights)
    energy = float(((data - data.mean()) ** 2).sum())
    assert float((inferred**2).sum() + (measured**2).sum()) == pytest.approx(energy, rel=1e-5)
    share = local_share(Volume(data, SPACING), weights)
    assert 0 < share.data.min() and share.data.max() < 1
    whole = inferred_spectrum(Volume(data, SPACING), weights).whole
    assert float((inferred**2).sum()) / energy == pytest.approx(whole, rel=1e-4)


def test_noise_makes_measurements_count_less() -> None:
    volume = Volume(np.random.default_rng(1).normal(size=(12, 6, 16)), SPACING)
    shares = [global_inferred_share(volume, TILTS, snr=snr) for snr in (np.inf, 10.0, 0.1)]
    assert shares == sorted(shares)


def test_objects_carry_the_mean_of_their_voxels() -> None:
    labels = np.zeros((2, 2, 2), int)
    labels[0], labels[1, 0] = 3, 7
    share = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    assert object_information(Labels(labels, SPACING), Volume(share, SPACING)) == {3: 1.5, 7: 4.5}
    with pytest.raises(CellmlError, match="same voxels"):
        object_information(Labels(labels, SPACING), Volume(share[:1], SPACING))


def test_ensemble_is_mean_and_deviation() -> None:
    members = np.random.default_rng(2).normal(size=(5, 3, 4, 5)) + 1e3
    ensemble = ensemble_uncertainty(iter(members))
    np.testing.assert_allclose(ensemble.mean, members.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(ensemble.deviation, members.std(axis=0, ddof=1), rtol=1e-5)
    with pytest.raises(CellmlError, match="at least two"):
        ensemble_uncertainty([members[0]])
