"""The half turn of a sinogram: mirrored rows, the gap between measured ones, tilts that cannot be placed."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.data.sinogram_grid import sinogram_grid
from cellml.data.wedge_damage import TiltScheme, clean_projections
from cellml.errors import CellmlError


@pytest.mark.parametrize(("low", "high", "step"), [(-60, 60, 10), (-45, 66, 3), (-63, 61, 4)])
def test_measured_rows_are_what_projecting_at_the_grids_tilts_gives(low: float, high: float, step: float) -> None:
    """Rows beyond the last tilt are projections 180° away, mirrored."""
    volume = np.random.default_rng(0).standard_normal((11, 2, 14)).astype(np.float32)
    tilts = TiltScheme(low, high, step).tilts
    grid = sinogram_grid(tilts)
    placed = grid.place(clean_projections(volume, tilts))
    direct = clean_projections(volume, grid.tilts).transpose(1, 0, 2)
    assert np.allclose(placed[:, grid.measured], direct[:, grid.measured], atol=1e-3)
    assert not placed[:, ~grid.measured].any() and grid.measured.sum() == len(tilts) and len(grid.tilts) == round(180 / step)


def test_the_gap_lies_between_measured_rows_and_steps_are_even() -> None:
    grid = sinogram_grid(np.arange(-60, 61, 2))
    runs = np.flatnonzero(np.diff(grid.measured.astype(int)))
    assert grid.measured[0] and grid.measured[-1] and len(runs) == 2
    assert np.allclose(np.diff(grid.tilts), 2)


def test_the_order_of_a_series_does_not_matter() -> None:
    tilts, rng = np.arange(-50.0, 51, 5), np.random.default_rng(1)
    series, shuffle = rng.standard_normal((21, 3, 8)).astype(np.float32), rng.permutation(21)
    assert np.array_equal(sinogram_grid(tilts).place(series), sinogram_grid(tilts[shuffle]).place(series[shuffle]))


@pytest.mark.parametrize(
    ("tilts", "words"), [([-60, -40, -20, 5, 30], "evenly spaced"), ([0, 1], "three"), (list(range(-90, 90, 3)), "half turn")]
)
def test_tilts_that_cannot_be_filled_are_refused(tilts: list[float], words: str) -> None:
    with pytest.raises(CellmlError, match=words):
        sinogram_grid(tilts)
