from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellml.segmentation.basins import ascent_basins

heights = hnp.arrays(np.float32, hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=5), elements=st.integers(0, 4).map(float))


def climbed(height, mask, axes, joined=None):
    """Each voxel's summit by walking uphill one step at a time."""
    summits = {}

    def up(voxel):
        every, open_ones = [], []
        for axis, step in product(axes, (-1, 1)):
            other = list(voxel)
            other[axis] += step
            other = tuple(other)
            if 0 <= other[axis] < height.shape[axis]:
                every += [other] if mask[other] else []
                open_ones += [other] if joined is not None and joined[axis][max(voxel, other)] else []
        allowed = [v for v in open_ones if mask[v]] if open_ones else every
        return max([voxel, *allowed], key=lambda v: (height[v], v))

    for voxel in product(*map(range, height.shape)):
        if mask[voxel]:
            here = voxel
            while (above := up(here)) != here:
                here = above
            summits[voxel] = here
    numbers = {summit: i + 1 for i, summit in enumerate(sorted(set(summits.values())))}
    labels = np.zeros(height.shape, int)
    for voxel, summit in summits.items():
        labels[voxel] = numbers[summit]
    return labels


@given(heights, st.sampled_from([(0, 1, 2), (1, 2)]), st.integers(0, 2**32 - 1))
def test_basins_are_those_of_walking_uphill(height, axes, seed):
    everywhere = np.ones(height.shape, bool)
    np.testing.assert_array_equal(ascent_basins(height, axes=axes), climbed(height, everywhere, axes))
    mask = np.random.default_rng(seed).random(height.shape) < 0.7
    np.testing.assert_array_equal(ascent_basins(height, mask, axes=axes), climbed(height, mask, axes))


@given(heights, st.sampled_from([(0, 1, 2), (1, 2)]), st.integers(0, 2**32 - 1))
def test_paths_keep_to_passages_where_there_are_any(height, axes, seed):
    rng = np.random.default_rng(seed)
    joined, mask = rng.random((3, *height.shape)) < 0.4, rng.random(height.shape) < 0.8
    np.testing.assert_array_equal(ascent_basins(height, mask, joined, axes), climbed(height, mask, axes, joined))


def test_two_hills_meet_in_the_valley():
    profile = np.array([0, 1, 2, 1, 0.5, 1, 3, 1], np.float32)
    assert ascent_basins(profile.reshape(1, 1, -1)).ravel().tolist() == [1, 1, 1, 1, 2, 2, 2, 2]


def test_a_plateau_is_one_basin_without_endless_paths():
    assert ascent_basins(np.zeros((3, 4, 5), np.float32)).max() == 1


def test_the_height_is_not_written_to():
    height = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    height.setflags(write=False)
    assert ascent_basins(height, np.ones((2, 2, 2), bool)).max() == 1


def test_empty_mask_gives_background():
    assert not ascent_basins(np.ones((2, 2, 2), np.float32), np.zeros((2, 2, 2), bool)).any()
    with pytest.raises(ValueError):
        ascent_basins(np.ones((2, 2, 2), np.float32), np.zeros((3, 2, 2), bool))
