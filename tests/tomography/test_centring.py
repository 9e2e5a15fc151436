from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from cellml.io import read_tilts
from cellml.tomography.alignment.align import align_tilts
from cellml.tomography.alignment.centring import centred
from cellml.tomography.alignment.compact import centroids, drift, support
from cellml.tomography.alignment.gauge import root_mean_square, without_translation
from cellml.tomography.alignment.matching import ProjectionMatching
from cellml.tomography.geometry import SENSE, direction
from cellml.tomography.misalignment import Misalignment, misaligned
from cellml.tomography.simulate import simulate_tilts
from cellml.types import TiltSeries, Volume

TILTS = np.arange(-60, 61, 4.0)


@cache
def cell() -> Volume:
    """Blobs in a ball of 20 voxels' radius, alone in a view of 64 pixels."""
    rng, n = np.random.default_rng(0), np.arange(64) - 31.5
    z, y, x = np.meshgrid(n, n[8:-8], n, indexing="ij")
    data = np.zeros(z.shape, np.float32)
    for _ in range(25):
        c = rng.uniform(-9, 9, 3)
        data += rng.uniform(0.5, 1) * (((z - c[0]) ** 2 + (y - c[1]) ** 2 + (x - c[2]) ** 2) < rng.uniform(2, 5) ** 2)
    return Volume(data, (2.0,) * 3, name="cell")


def series(snr: float = np.inf, shifts: np.ndarray | float = 0.0, seed: int = 0) -> TiltSeries:
    return simulate_tilts(cell(), TILTS, snr=snr, misalignment=Misalignment.of(len(TILTS), shifts), seed=seed)


def error(shifts: np.ndarray, truth: np.ndarray) -> float:
    return root_mean_square(without_translation(shifts - truth, TILTS))


def test_centres_of_mass_are_those_of_the_specimen() -> None:
    one = series()
    inside = support(one)
    assert inside is not None
    data, n = cell().data.astype(float), np.arange(64) - 31.5
    z, y, x = (
        float((data.sum(axis=tuple({0, 1, 2} - {a})) * p).sum() / data.sum()) for a, p in ((0, n), (1, np.arange(48) - 23.5), (2, n))
    )
    expected = x * np.cos(np.deg2rad(TILTS)) + z * SENSE * np.sin(np.deg2rad(TILTS))
    for background in (0.0, 7.0, -400.0):  # dark on bright as well
        sign = -1 if background < 0 else 1
        places, masses = centroids(replace(one, data=sign * one.data + background), inside)
        np.testing.assert_allclose(places[:, 0], y, atol=0.02)
        np.testing.assert_allclose(places[:, 1], expected, atol=0.02)
        np.testing.assert_allclose(masses, sign * data.sum(), rtol=5e-3)


@pytest.mark.parametrize(("snr", "most"), [(np.inf, 0.03), (10.0, 0.1), (1.0, 0.3)])
def test_a_slow_drift_is_found(snr: float, most: float) -> None:
    truth = np.stack([TILTS / 60, 3 + 0.8 * (TILTS / 60) ** 2], axis=1)  # an offset of the axis among it
    found = drift(series(snr, truth))
    assert found is not None
    assert error(found.shifts, truth) < most
    assert error(found.shifts, truth) < 3 * found.error + 0.02


def test_a_rod_along_the_axis_says_where_the_axis_is_and_nothing_along_it() -> None:
    rod = replace(cell(), data=np.tile(cell().data[:, 8:-8], (1, 2, 1)))
    truth = np.stack([TILTS / 60, 3 + 0.8 * (TILTS / 60) ** 2], axis=1)
    one = simulate_tilts(rod, TILTS, snr=10, misalignment=Misalignment.of(len(TILTS), truth), field=(48, 64))
    found = drift(one)
    assert found is not None and not found.shifts[:, 0].any()
    across = np.stack([np.zeros(len(TILTS)), truth[:, 1]], axis=1)
    assert error(found.shifts, across) < 0.15 < error(np.zeros_like(across), across)


@pytest.mark.skipif("CELLML_DATA" not in os.environ, reason="real data: set CELLML_DATA")
def test_the_axis_of_the_tooth() -> None:
    """Its makers' tutorial finds column 296 of 640."""
    path = Path(os.environ["CELLML_DATA"]) / "tomopy_tooth.h5"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    series = read_tilts(path, pixel=1000)
    found = drift(series)
    assert found is not None and found.error < 0.1
    modes = np.stack([*direction(series.tilts), np.ones(len(series.tilts))], axis=1)
    assert 319.5 + np.linalg.lstsq(modes, found.shifts[:, 1], rcond=None)[0][2] == pytest.approx(296, abs=1)


def test_specimens_that_are_not_alone_have_no_centres() -> None:
    one = series(1.0)
    assert support(replace(one, data=one.data[:, :, 15:])) is None  # cut off at one side
    rng = np.random.default_rng(0)
    assert drift(replace(one, data=rng.normal(size=one.data.shape).astype(np.float32))) is None  # nothing but noise
    growing = one.data / np.cos(np.deg2rad(TILTS))[:, None, None].astype(np.float32)
    assert support(one) is not None and drift(replace(one, data=growing)) is None  # mass that changes with the tilt


def test_a_compact_specimen_is_aligned_without_an_offset_of_its_axis() -> None:
    truth = np.random.default_rng(1).uniform(-4, 4, (len(TILTS), 2))
    one, how = series(10.0, truth), ProjectionMatching(thickness=48, iterations=4)
    plain, settled = (align_tilts(one, how, centre=centre) for centre in (False, True))
    assert plain.centring is None and settled.centring is not None
    assert settled.centring.way == "centres of mass" and settled.centring.error < 0.15
    assert error(settled.shifts, truth) < 0.2
    assert error(settled.shifts, truth) < 0.6 * error(plain.shifts, truth)


def test_an_axis_that_nothing_tells_is_said() -> None:
    how = ProjectionMatching(thickness=24)
    narrow = replace(series(), data=series().data[:, :30, 10:-10])
    shifts, found = centred(narrow, np.zeros((len(TILTS), 2)), how)
    assert found.way == "undetermined" and "too low" in found.reason and np.isinf(found.error) and not shifts.any()
    noise = TiltSeries(np.random.default_rng(0).normal(size=(31, 100, 64)).astype(np.float32), TILTS, 2.0)
    shifts, found = centred(noise, np.zeros((len(TILTS), 2)), how)
    assert found.way == "undetermined" and not shifts.any()


def test_consistency_moves_a_slab_back() -> None:
    rng = np.random.default_rng(0)
    from scipy.ndimage import gaussian_filter

    slab = Volume(gaussian_filter(rng.normal(size=(16, 110, 130)), 1.2).astype(np.float32), (2.0,) * 3)
    offset = np.stack([np.zeros(len(TILTS)), np.full(len(TILTS), 3.0)], axis=1)
    one = simulate_tilts(slab, TILTS, snr=10, misalignment=Misalignment.of(len(TILTS), offset), field=(100, 90))
    shifts, found = centred(one, np.zeros_like(offset), ProjectionMatching(thickness=16))
    assert found.way == "consistency" and found.error < 1 and error(shifts, offset) < 0.5 * error(np.zeros_like(offset), offset)
    assert misaligned(one, Misalignment.of(len(TILTS), -shifts)).data.shape == one.data.shape
