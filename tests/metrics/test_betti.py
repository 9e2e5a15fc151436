from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.ndimage import generate_binary_structure, label
from skimage.measure import euler_number as skimage_euler

from cellml.metrics.betti import BettiNumbers, betti_numbers, euler_number, in_memory
from cellml.metrics.slab_components import cavity_count, component_count

masks = hnp.arrays(bool, st.tuples(*[st.integers(1, 7)] * 3), elements=st.booleans())
depths = st.lists(st.integers(1, 3), min_size=1, max_size=7)


def slabs(mask, sizes):
    cuts = np.cumsum(sizes)
    return np.split(mask, cuts[cuts < len(mask)])


@given(masks)
def test_whole_volumes_agree_with_labelling_and_the_euler_number_of_scikit_image(mask):
    padded = np.pad(mask, 1)
    found = betti_numbers(in_memory(mask))
    assert found.components == label(padded, generate_binary_structure(3, 3))[1]
    assert found.cavities == label(~padded)[1] - 1
    assert found.euler == euler_number([mask]) == skimage_euler(padded, connectivity=3)


@given(masks, depths)
def test_slabs_join_without_a_seam(mask, sizes):
    assert betti_numbers(lambda: slabs(mask, sizes)) == betti_numbers(in_memory(mask))
    assert component_count(slabs(mask, sizes), corners=False) == label(mask)[1]


def ring(size=7):
    mask = np.zeros((3, size, size), bool)
    mask[1, 1:-1, 1:-1] = True
    mask[1, 2:-2, 2:-2] = False
    return mask


def test_shapes_whose_numbers_are_known():
    ball = np.linalg.norm(np.indices((11, 11, 11)) - 5, axis=0)
    assert betti_numbers(in_memory(ball <= 4)) == BettiNumbers(1, 0, 0)
    assert betti_numbers(in_memory((ball <= 4) & (ball > 2))) == BettiNumbers(1, 0, 1)
    assert betti_numbers(in_memory(ring())) == BettiNumbers(1, 1, 0)
    two = np.concatenate([ring(), ring()], axis=2)
    assert betti_numbers(in_memory(two)) == BettiNumbers(2, 2, 0)
    frame = np.ones((5, 5, 5), bool)
    frame[1:-1, 1:-1, :] = frame[1:-1, :, 1:-1] = frame[:, 1:-1, 1:-1] = False
    assert betti_numbers(in_memory(frame)) == BettiNumbers(1, 5, 0)


def test_a_hollow_that_opens_at_the_border_of_the_region_is_no_cavity():
    cup = np.ones((4, 5, 5), bool)
    cup[2:, 2, 2] = False
    assert cavity_count([cup]) == 0 and cavity_count([np.concatenate([cup, np.ones((1, 5, 5), bool)])]) == 1


def test_nothing_has_nothing_and_errors_add_up():
    assert betti_numbers(in_memory(np.zeros((2, 3, 4), bool))) == BettiNumbers(0, 0, 0)
    assert betti_numbers(lambda: []) == BettiNumbers(0, 0, 0)
    assert BettiNumbers(3, 0, 1).error(BettiNumbers(1, 2, 1)) == 4


@pytest.mark.parametrize("corner", [(1, 1, 1), (1, 1, 0), (0, 1, 1)])
def test_voxels_touch_by_edges_and_corners_across_slabs(corner):
    mask = np.zeros((2, 3, 3), bool)
    mask[0, 1, 1] = True
    mask[tuple(np.add((0, 1, 1), corner))] = True
    assert component_count(slabs(mask, [1]), corners=True) == 1
    assert component_count(slabs(mask, [1]), corners=False) == 2
