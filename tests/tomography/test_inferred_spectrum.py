from __future__ import annotations

import numpy as np
import pytest

from cellml.tomography.geometry import SENSE
from cellml.tomography.inferred_spectrum import inferred_spectrum
from cellml.tomography.information import global_inferred_share
from cellml.tomography.wedge import frequencies, measured_mask
from cellml.types import Volume

TILTS = np.arange(-60.0, 61, 2)
NOISE = Volume(np.random.default_rng(0).normal(3, 1, size=(20, 6, 24)).astype(np.float32), (10.0,) * 3)


def test_the_whole_is_what_the_volume_parted_in_space_gives() -> None:
    weights = measured_mask(NOISE.shape, TILTS).astype(np.float32)
    found = inferred_spectrum(NOISE, weights)
    assert found.whole == pytest.approx(global_inferred_share(NOISE, TILTS), rel=1e-5)
    assert found.whole_unmeasured == pytest.approx(found.whole, rel=1e-9)  # a mask knows no halves
    assert found.total.sum() == pytest.approx(1)


@pytest.mark.parametrize("shape", [(20, 6, 24), (21, 5, 23)])
def test_half_a_transform_counts_as_the_whole_one(shape: tuple[int, int, int]) -> None:
    data = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    kz, _, kx = frequencies(shape, full=True)
    weights = 1 / (1 + 30 * (kz**2 + 2 * kx**2))
    found = inferred_spectrum(Volume(data, (10.0,) * 3), weights[..., : shape[2] // 2 + 1].astype(np.float32))
    power = np.abs(np.fft.fftn(data - data.mean(dtype=np.float64))) ** 2
    assert found.whole == pytest.approx((power * (1 - weights)).sum() / power.sum(), rel=1e-4) and found.whole_unmeasured == 0


def test_a_wave_lies_in_the_direction_of_the_tilt_that_sees_it() -> None:
    z, _, x = np.meshgrid(*(np.arange(n) for n in (32, 2, 32)), indexing="ij")
    for kz, kx in ((3, 8), (-5, 4), (9, 2)):
        wave = np.cos(2 * np.pi * (kz * z + kx * x) / 32).astype(np.float32)
        found = inferred_spectrum(Volume(wave, (10.0,) * 3), np.zeros((32, 1, 17), np.float32))
        ring, sector = np.unravel_index(found.inferred.argmax(), found.inferred.shape)
        assert found.inferred[ring, sector] == pytest.approx(1, abs=1e-5)
        tilt = np.rad2deg(np.arctan2(SENSE * kz, kx))
        assert found.direction[sector] <= tilt < found.direction[sector + 1]
        assert found.radius[ring] <= np.hypot(kz, kx) / 320 < found.radius[ring + 1]


def test_shares_by_direction_are_one_in_the_wedge_and_nothing_where_tilts_lie_dense() -> None:
    cube = Volume(np.random.default_rng(2).normal(size=(32, 4, 32)).astype(np.float32), (10.0,) * 3)
    found = inferred_spectrum(cube, measured_mask(cube.shape, TILTS).astype(np.float32))
    assert (found.by_direction[:5] > 0.99).all() and (found.by_direction[-5:] > 0.99).all()
    inside = found.inferred[2:14, 8:28].sum() / found.total[2:14, 8:28].sum()
    assert inside < 0.05
    assert np.nanmax(found.by_radius) <= 1 and found.by_radius[-1] == pytest.approx(1)  # no tilt reaches beyond the Nyquist frequency


def test_a_constant_volume_has_nothing_to_share() -> None:
    found = inferred_spectrum(Volume(np.ones((8, 2, 8), np.float32), (1.0,) * 3), np.zeros((8, 1, 5), np.float32))
    assert found.whole == found.whole_unmeasured == 0 and np.isnan(found.share).all()
