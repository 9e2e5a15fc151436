from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.meshing.box_pairs import overlapping_boxes


def _pairs(low, high):
    found = [np.stack([np.minimum(i, j), np.maximum(i, j)], axis=1) for i, j in overlapping_boxes(low, high)]
    return sorted(map(tuple, np.concatenate([np.zeros((0, 2), int), *found]).tolist()))


def _slowly(low, high):
    both = ((low[:, None] <= high[None]) & (low[None] <= high[:, None])).all(axis=2)
    return [tuple(pair) for pair in np.argwhere(np.triu(both, 1)).tolist()]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.floats(0.0, 12.0))
def test_every_pair_is_found_once_whatever_the_sizes(seed, count, spread):
    rng = np.random.default_rng(seed)
    low = rng.uniform(-10, 10, (count, 3))
    high = low + 2.0 ** (spread * rng.uniform(-1, 0.4, (count, 1))) * rng.uniform(0, 1, (count, 3))
    assert _pairs(low, high) == _slowly(low, high)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_boxes_that_touch_count(seed):
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 6, (25, 3)).astype(float)
    high = low + rng.integers(0, 4, (25, 3))
    assert _pairs(low, high) == _slowly(low, high)


def test_portions_change_nothing(monkeypatch):
    low = np.random.default_rng(0).uniform(0, 3, (80, 3))
    whole = _pairs(low, low + 1)
    monkeypatch.setattr("cellml.meshing.box_pairs._MOST_PAIRS", 50)
    assert _pairs(low, low + 1) == whole
    assert max(len(i) for i, _ in overlapping_boxes(low, low + 1)) <= 80


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_points_and_extreme_scales(scale):
    low = np.array([[0.0, 0, 0], [1, 1, 1], [1, 1, 1]]) * scale
    assert _pairs(low, low) == [(1, 2)]
    assert _pairs(low[:1], low[:1]) == []
