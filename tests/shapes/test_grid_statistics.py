"""Quick numbers of shapes on grids, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from cellml.shapes.grid_statistics import NAMES, grid_statistics, statistics_distance


def test_of_a_box_and_of_a_ball() -> None:
    box = np.ones((12, 12, 12))
    box[2:6, 2:8, 1:11] = -1
    axes = np.meshgrid(*(np.arange(40) - 19.5,) * 3, indexing="ij")
    ball = np.sqrt(sum(a**2 for a in axes)) - 15
    of_box = dict(zip(NAMES, grid_statistics(box[None], np.array([10.0]))[0], strict=True))
    assert of_box["log_unit"] == pytest.approx(np.log(10))
    assert of_box["log_volume"] == pytest.approx(np.log(240 * 1000))
    for name, length in zip(("extent_z", "extent_y", "extent_x"), (4, 6, 10), strict=True):
        assert of_box[name] == pytest.approx(np.sqrt((length**2 - 1) / 12))
    of_ball = dict(zip(NAMES, grid_statistics(ball[None], np.array([1.0]))[0], strict=True))
    assert of_ball["compactness"] == pytest.approx(1.0, abs=0.06)
    assert of_box["compactness"] == pytest.approx(36 * np.pi * 240**2 / (248 * 2 / 3) ** 3)
    empty = grid_statistics(np.ones((1, 4, 4, 4)), np.ones(1))
    assert np.isfinite(empty).all()


def test_the_distance_is_wasserstein_over_the_deviation() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(400, 2)), rng.normal([1.0, 0.0], [1.0, 2.0], (300, 2))
    found = statistics_distance(one, two)
    wanted = [wasserstein_distance(one[:, n], two[:, n]) / two[:, n].std() for n in range(2)]
    assert found == pytest.approx(wanted, rel=0.02)
    assert statistics_distance(one, one) == pytest.approx([0, 0])
