from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.tomography.beer_lambert import expected_counts, line_integrals
from cellml.tomography.defocus import PhaseContrast, ScannedProbe, defocused
from cellml.tomography.geometry import SENSE
from cellml.tomography.misalignment import Misalignment
from cellml.tomography.noise import Exposure, Slab, counted, noisy, support_variance
from cellml.tomography.random_errors import RandomTiltErrors
from cellml.tomography.simulate import projected, simulate_tilts
from cellml.types import TiltSeries, Volume

ANGLES = np.arange(-60.0, 61.0, 20.0)


@pytest.fixture
def ball() -> Volume:
    z, y, x = np.meshgrid(*(np.arange(32) - 15.5,) * 3, indexing="ij")
    return Volume((z**2 + y**2 + x**2 < 100).astype(np.float32) * 2, (1.0,) * 3)


def flat(count: int = 5, value: float = 0.0, tilts: np.ndarray | None = None, size: int = 64) -> TiltSeries:
    return TiltSeries(np.full((count, size, size), value, np.float32), np.arange(count) * 15.0 if tilts is None else tilts, 1.0)


def test_a_point_falls_where_the_geometry_says() -> None:
    z, y, x = np.meshgrid(np.arange(31), np.arange(21), np.arange(31), indexing="ij")
    data = np.exp(-((z - 24) ** 2 + (y - 4) ** 2 + (x - 10) ** 2) / 4).astype(np.float32)  # 9 above the axis, 5 to its left
    series = simulate_tilts(Volume(data, (2.0,) * 3), ANGLES, pretilt=10.0)
    assert series.pixel == 2.0
    for image, tilt in zip(series.data, np.deg2rad(ANGLES + 10), strict=True):
        u = -5 * np.cos(tilt) + 9 * SENSE * np.sin(tilt)
        assert image.sum(axis=1).argmax() == 4
        assert (image[4] * (np.arange(31) - 15)).sum() / image[4].sum() == pytest.approx(u, abs=0.02)


def test_slabs_along_y_make_no_difference(ball: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = projected(ball, ANGLES).data
    monkeypatch.setattr("cellml.tomography.simulate._ROWS", 7)
    np.testing.assert_allclose(projected(ball, ANGLES).data, whole, rtol=1e-6)


@pytest.mark.parametrize("snr", [10.0, 1.0, 0.1])
def test_the_signal_to_noise_ratio_is_that_inside_the_support(ball: Volume, snr: float) -> None:
    clean = simulate_tilts(ball, ANGLES)
    dirty = simulate_tilts(ball, ANGLES, snr=snr, seed=3)
    noise = dirty.data - clean.data
    inside = simulate_tilts(replace(ball, data=(ball.data > 0).astype(np.float32)), ANGLES).data > 0.5
    assert 0.1 < inside.mean() < 0.5
    assert clean.data[inside].var() / noise.var() == pytest.approx(snr, rel=0.03)
    assert abs(noise.mean()) < 4 * noise.std() / np.sqrt(noise.size)
    assert np.array_equal(dirty.data, simulate_tilts(ball, ANGLES, snr=snr, seed=3).data)
    assert not np.array_equal(dirty.data, simulate_tilts(ball, ANGLES, snr=snr, seed=4).data)


def test_an_infinite_ratio_is_none(ball: Volume) -> None:
    assert np.array_equal(simulate_tilts(ball, ANGLES, snr=np.inf).data, simulate_tilts(ball, ANGLES).data)


def test_a_slab_makes_tilted_projections_noisier() -> None:
    tilts = np.array([0.0, 60.0, -60.0])
    series = TiltSeries(np.random.default_rng(0).normal(size=(3, 200, 200)).astype(np.float32), tilts, 1.0)
    noise = noisy(series, 1.0, np.ones(series.data.shape, bool), np.random.default_rng(1), Slab(300, 300)).data - series.data
    variances = noise.var(axis=(1, 2))
    assert variances[1] / variances[0] == pytest.approx(np.e, rel=0.05)  # a path of two mean free paths instead of one
    assert variances.mean() == pytest.approx(series.data.var(), rel=0.03)


def test_counts_obey_beer_and_lambert() -> None:
    tilts = np.array([0.0, 60.0])
    series = flat(2, tilts=tilts, size=300)
    series.data[:, ::2] = 1.0
    inside = np.ones(series.data.shape, bool)
    result = counted(series, Exposure(0.5, 0.2), Slab(200, 400), inside, np.random.default_rng(0))
    absorption, incident = 0.2 / 0.5, 50.0  # values 0 and 1 have a spread of 0.5; 100 Å² a pixel
    expected = incident * np.exp(-absorption * (series.data - 0.5) - 0.5 / np.cos(np.deg2rad(tilts))[:, None, None])
    counts = incident * np.exp(-absorption * (result.data - 0.5))
    np.testing.assert_allclose(counts, np.round(counts), atol=1e-3)  # whole electrons
    for rows in (slice(0, None, 2), slice(1, None, 2)):
        for tilt in range(2):
            mean = expected[tilt, rows].mean()
            assert counts[tilt, rows].mean() == pytest.approx(mean, rel=0.01)
            assert counts[tilt, rows].var() == pytest.approx(mean, rel=0.05)  # Poisson
    assert result.doses.tolist() == [0.5, 0.5]


def test_many_electrons_leave_the_projections(ball: Volume) -> None:
    clean, dirty = simulate_tilts(ball, ANGLES), simulate_tilts(ball, ANGLES, dose=1e9)
    np.testing.assert_allclose(dirty.data, clean.data, atol=0.02)


def test_few_electrons_stay_finite(ball: Volume) -> None:
    assert np.isfinite(simulate_tilts(ball, ANGLES, dose=Exposure(0.001), slab=Slab(1000, 100)).data).all()


def test_a_slab_without_counting_brightens_tilted_projections(ball: Volume) -> None:
    clean, shaded = simulate_tilts(ball, ANGLES), simulate_tilts(ball, ANGLES, slab=Slab(100, 300))
    added = (shaded.data - clean.data).mean(axis=(1, 2))
    assert added[0] / added[3] == pytest.approx(2, rel=1e-3)  # 1 / cos 60°


def test_line_integrals_invert_counts() -> None:
    integrals = np.random.default_rng(0).uniform(0, 3, (3, 4, 5))
    np.testing.assert_allclose(line_integrals(expected_counts(integrals, 1e4), 1e4), integrals, rtol=1e-5)
    assert line_integrals(np.array([[[0.0]]]), 100.0)[0, 0, 0] == pytest.approx(np.log(200))
    with pytest.raises(CellmlError, match="nowhere brighter"):
        line_integrals(integrals, 1.0, 2.0)


def test_the_wavelength_and_the_zeros_of_phase_contrast() -> None:
    optics = PhaseContrast(defocus_nm=2000, cs_mm=0, amplitude=0, envelope_nm=0)
    assert optics.wavelength_nm == pytest.approx(0.0019687, rel=1e-4)
    assert PhaseContrast(voltage_kv=200).wavelength_nm == pytest.approx(0.0025079, rel=1e-4)
    zeros = np.sqrt(np.arange(1, 4) / (2000 * optics.wavelength_nm))
    np.testing.assert_allclose(optics.transfer(zeros, np.zeros(3), 2000), 0, atol=1e-9)
    assert optics.transfer(np.array(0.5 * zeros[0]), np.array(0.0), 2000) > 0
    assert PhaseContrast(amplitude=0.1).transfer(np.array(0.0), np.array(0.0), 3000) == pytest.approx(0.1)


def test_phase_contrast_of_one_frequency() -> None:
    u = np.arange(64)
    wave = np.broadcast_to(np.cos(2 * np.pi * 8 / 64 * (u - 31.5)), (2, 64, 64)).astype(np.float32)
    optics = PhaseContrast(defocus_nm=50, cs_mm=0, envelope_nm=0, step_nm=10)
    result = defocused(TiltSeries(wave, np.array([0.0, 0.01]), 1.0), optics).data
    expected = wave * optics.transfer(np.array(0.0), np.array(8 / 64), 50.0)
    np.testing.assert_allclose(result[:, :, 16:48], expected[:, :, 16:48], atol=5e-3)


def test_a_tilted_specimen_is_sharp_at_the_axis_and_each_side_where_the_focus_meets_it() -> None:
    rng = np.random.default_rng(0)
    series = TiltSeries(rng.normal(size=(2, 48, 96)).astype(np.float32), np.array([0.0, 45.0]), 10.0)
    blurred = defocused(series, ScannedProbe(0.0, half_angle_mrad=100, step_nm=20)).data
    np.testing.assert_allclose(blurred[0], series.data[0], atol=1e-5)
    spread = blurred[1].std(axis=0)
    assert spread[44:52].mean() > 0.8
    assert max(spread[:12].mean(), spread[-12:].mean()) < 0.3
    # A defocus of 240 nm at the axis is compensated where the specimen lies 240 nm higher: u = −SENSE · 24 pixels at 45°.
    spread = defocused(series, ScannedProbe(240.0, half_angle_mrad=100, step_nm=20)).data[1].std(axis=0)
    assert spread.argmax() == pytest.approx(47.5 - SENSE * 24, abs=3)


def test_a_camera_sees_the_middle_after_the_shift(ball: Volume) -> None:
    shifts = np.tile([3.0, -2.0], (7, 1))
    whole = simulate_tilts(ball, ANGLES).data
    seen = simulate_tilts(ball, ANGLES, misalignment=Misalignment.of(7, shifts), field=(20, 22)).data
    assert np.array_equal(seen, whole[:, 3:23, 7:29])


@pytest.mark.parametrize(
    ("volume", "options", "words"),
    [
        (Volume(np.ones((4, 5, 6)), (40.0, 4.0, 4.0)), {}, r"voxels of \(40\.0, 4\.0, 4\.0\) nm .* need cubes"),
        (Volume(np.ones((2, 4, 5, 6)), (4.0,) * 3, axes="CZYX"), {}, "axes CZYX"),
        (Volume(np.full((4, 5, 6), np.nan), (4.0,) * 3), {}, "120 NaN or infinite voxels"),
        (Volume(np.zeros((4, 5, 6)), (4.0,) * 3), {"snr": 1.0}, "constant inside the support"),
        (Volume(np.ones((4, 5, 6)), (4.0,) * 3), {"snr": -1.0}, "snr=-1.0 must be positive"),
        (
            Volume(np.ones((4, 5, 6)), (4.0,) * 3),
            {"field": (5, 7)},
            r"camera of 5 × 7 pixels \(y, x\) does not fit the projections of 5 × 6",
        ),
        (Volume(np.ones((4, 5, 6)), (4.0,) * 3), {"dose": 0.0}, "electrons"),
        (Volume(np.ones((4, 5, 6)), (4.0,) * 3), {"misalignment": Misalignment.of(3)}, "7 projections need as many"),
    ],
)
def test_what_cannot_be_simulated(volume: Volume, options: dict[str, object], words: str) -> None:
    with pytest.raises(CellmlError, match=words):
        simulate_tilts(volume, ANGLES, **options)  # type: ignore[arg-type]


def test_one_tilt_is_no_series(ball: Volume) -> None:
    with pytest.raises(CellmlError, match="one projection"):
        simulate_tilts(ball, [0.0])


def test_random_errors_stay_in_their_ranges_and_follow_the_seed() -> None:
    errors = RandomTiltErrors(
        snr=(0.5, 5), shift=(1, 3), electrons=(1, 4), thickness_nm=(100, 200), optics=ScannedProbe(), defocus_nm=(-500, 500)
    )
    drawn = [errors.draw(9, seed) for seed in range(20)]
    assert all(0.5 <= one.snr <= 5 and 1 <= one.exposure.electrons <= 4 and 100 <= one.slab.thickness_nm <= 200 for one in drawn)
    assert all(one.misalignment.shifts.shape == (9, 2) and np.abs(one.misalignment.shifts).max() <= 3 for one in drawn)
    assert len({one.optics.defocus_nm for one in drawn}) == 20
    again = errors.draw(9, 7)
    assert again.seed == drawn[7].seed
    assert np.array_equal(again.misalignment.shifts, drawn[7].misalignment.shifts)
    assert RandomTiltErrors(snr=None, shift=0.0).draw(9, 0).misalignment is None
    with pytest.raises(CellmlError, match=r"shift is \(3, 1\)"):
        RandomTiltErrors(shift=(3, 1))
    with pytest.raises(CellmlError, match="give one of them"):
        RandomTiltErrors(defocus_nm=100)


def test_the_variance_is_pooled_over_tilts() -> None:
    data = np.array([[[1.0, 2.0]], [[5.0, 100.0]]])
    assert support_variance(data, np.array([[[True, True]], [[True, False]]])) == pytest.approx(np.var([1, 2, 5]))
