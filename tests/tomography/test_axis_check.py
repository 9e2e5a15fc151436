from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.tomography.axis_check import axis_agreement, axis_warning, require_axis
from cellml.tomography.misalignment import Misalignment, misaligned
from cellml.tomography.noise import noisy
from cellml.tomography.simulate import simulate_tilts
from cellml.types import TiltSeries, Volume


@cache
def series(slab: bool) -> TiltSeries:
    """Projections of random ellipsoids: within the field of view, or of a slab that goes on beyond it."""
    rng = np.random.default_rng(0)
    shape = (24, 64, 100) if slab else (64, 64, 64)
    grid = np.stack(np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in shape), indexing="ij"))
    data = np.zeros(shape, np.float32)
    for _ in range(60):
        middle = rng.uniform(-0.32, 0.32, 3) * shape if not slab else rng.uniform(-0.5, 0.5, 3) * shape
        radii = rng.uniform(2, 7, 3)
        data += rng.uniform(0.3, 1) * ((((grid - middle[:, None, None, None]) / radii[:, None, None, None]) ** 2).sum(axis=0) < 1)
    return simulate_tilts(Volume(data, (1.0,) * 3), np.arange(-60, 61, 4.0), field=(64, 60) if slab else None)


@pytest.mark.parametrize("slab", [False, True])
@pytest.mark.parametrize("snr", [np.inf, 5.0])
@pytest.mark.parametrize("shift", [0.0, 4.0])
def test_an_axis_off_by_90_degrees_is_found_and_a_right_one_is_not(slab: bool, snr: float, shift: float) -> None:
    rng = np.random.default_rng(1)
    tilts = misaligned(series(slab), Misalignment.drawn(31, rng, shift=shift))
    if np.isfinite(snr):
        tilts = noisy(tilts, snr, np.ones(tilts.data.shape, bool), rng)
    assert axis_warning(tilts) is None
    require_axis(tilts)
    transposed = replace(tilts, data=np.ascontiguousarray(tilts.data.swapaxes(1, 2)))
    with pytest.raises(CellmlError, match=r"seems to be off by 90°.*Give axis_angle=90, or -90 \(the two make mirror images\)"):
        require_axis(transposed)
    assert axis_warning(replace(transposed, axis_angle=90.0)) is None
    assert axis_warning(replace(tilts, axis_angle=90.0)) is not None


def test_noise_free_projections_agree_fully_along_their_axis() -> None:
    said, other = axis_agreement(series(False))
    assert said > 0.99
    assert other < 0.8


def test_noise_alone_says_nothing() -> None:
    rng = np.random.default_rng(0)
    for _ in range(3):
        assert axis_warning(TiltSeries(rng.normal(size=(21, 48, 48)), np.arange(-60, 61, 6.0), 1.0)) is None
    assert axis_warning(TiltSeries(np.ones((21, 48, 48)), np.arange(-60, 61, 6.0), 1.0)) is None
