from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cellml.data.wedge_damage import clean_projections
from cellml.errors import CellmlError, ContractError
from cellml.tomography.likeness import require_likeness
from cellml.tomography.tilt_return import grey_scale, levelled, tilts_returned
from cellml.types import TiltSeries, Volume

TILTS = np.arange(-60.0, 61, 6)


def cell(seed: int = 0) -> Volume:
    """Blobs in vacuum that every tilt sees whole."""
    z, y, x = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in (24, 8, 24)), indexing="ij")
    data, rng = np.zeros((24, 8, 24), np.float32), np.random.default_rng(seed)
    for _ in range(12):
        c = rng.uniform(-5, 5, 3)
        data += rng.uniform(0.5, 1.5) * np.exp(-((z - c[0]) ** 2 + (y - c[1] / 2) ** 2 + (x - c[2]) ** 2) / rng.uniform(2, 6))
    return Volume(data, (2.0,) * 3, name="cell")


def series_of(volume: Volume, tilts: np.ndarray = TILTS) -> TiltSeries:
    return TiltSeries(clean_projections(volume.data, tilts), tilts, 2.0, name="tilts.st")


def test_gain_offset_and_background_are_found() -> None:
    truth = cell()
    series = series_of(truth)
    recorded = replace(series, data=3 * series.data + 5)
    gain, offset, background = grey_scale(replace(truth, data=(truth.data - 7) / 2), recorded)
    assert gain == pytest.approx(6, rel=1e-4) and offset == pytest.approx(21, rel=1e-4) and background == pytest.approx(5, rel=1e-2)
    assert grey_scale(replace(truth, data=-truth.data), recorded)[0] == pytest.approx(-3, rel=1e-4)  # contrast turned over


@pytest.mark.parametrize("level", [False, True])
def test_an_answer_of_another_grey_scale_becomes_the_specimen(level: bool) -> None:
    """In vacuum the specimen comes back, 0 around it, whether or not the means of the projections are known."""
    truth = cell()
    series = replace(series_of(truth), data=series_of(truth).data + np.float32(100 if level else 0))
    answer = replace(truth, data=(truth.data - truth.data.mean()) / truth.data.std(), name="repaired")
    for consistency in (False, True):
        out = tilts_returned(answer, levelled(series) if level else series, consistency=consistency)
        assert out.data.dtype == np.float32 and out.spacing == truth.spacing and out.name == "repaired"
        np.testing.assert_allclose(out.data, truth.data, atol=0.01 * truth.data.max())


def test_what_the_answer_lacks_is_returned() -> None:
    from scipy.ndimage import gaussian_filter

    truth = cell()
    series, blurred = series_of(truth), replace(truth, data=gaussian_filter(truth.data, 1.5))
    left = []
    for consistency in (True, False):
        again = clean_projections(tilts_returned(blurred, series, consistency=consistency).data, TILTS)
        left.append(float(np.square(levelled(replace(series, data=again - series.data)).data).sum()))
    assert left[0] < 0.1 * left[1]


def test_rows_must_agree() -> None:
    with pytest.raises(CellmlError, match="7 rows"):
        tilts_returned(cell(), TiltSeries(np.zeros((2, 7, 24)), np.array([0.0, 10.0]), 2.0))


def test_means_are_taken_off_each_projection() -> None:
    series = series_of(cell())
    np.testing.assert_allclose(levelled(series).data.mean(axis=(1, 2)), 0, atol=1e-4)
    assert series.data.mean() > 1  # the series that was given stays


def test_the_series_of_another_volume_is_refused() -> None:
    truth, noise = cell(seed=1), np.random.default_rng(1)
    series = series_of(truth)
    noisy = replace(series, data=series.data + noise.normal(size=series.data.shape, scale=2 * series.data.std()).astype(np.float32))
    for one in (series, noisy):
        require_likeness(truth, one)
    with pytest.raises(ContractError, match="mirror image"):
        require_likeness(replace(truth, data=truth.data[::-1]), noisy)
    with pytest.raises(ContractError, match="contrast is reversed"):
        require_likeness(replace(truth, data=-truth.data), noisy)
    with pytest.raises(ContractError, match="another specimen"):
        require_likeness(replace(truth, data=noise.normal(size=truth.shape)), noisy)
