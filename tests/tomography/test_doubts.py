"""What projections say against the geometry that is stated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cellml.data.tomography_phantom import cell_phantom
from cellml.tomography.doubts import doubts
from cellml.tomography.simulate import simulate_tilts


def test_a_sound_series_has_none_and_a_wrong_axis_one_with_its_remedy() -> None:
    truth, _ = cell_phantom((40, 40, 40), seed=2)
    series = simulate_tilts(truth, np.arange(-60, 61, 5.0))
    assert doubts(series) == []
    turned = replace(series, data=np.ascontiguousarray(series.data.transpose(0, 2, 1)))
    assert len(doubts(turned)) == 1 and "axis_angle=" in doubts(turned)[0]


def test_a_few_rows_cannot_contradict_an_axis() -> None:
    truth, _ = cell_phantom((40, 40, 40), seed=2)
    series = simulate_tilts(truth, np.arange(-60, 61, 5.0))
    assert doubts(replace(series, data=series.data[:, 20:21])) == []
