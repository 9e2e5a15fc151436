from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.path import Path as MatplotlibPath
from scipy.ndimage import binary_dilation

from cellml.annotation.polygons import mask_polygons, nested_mask, polygon_patch

SQUARE = np.array([(1.5, 1.5), (1.5, 5.5), (5.5, 5.5), (5.5, 1.5)])  # the pixels 2 to 5


def one_by_one(points, shape):
    """The even-odd rule of one centre after the other: how many edges a ray to the left crosses."""
    mask = np.zeros(shape, bool)
    for r, c in np.ndindex(*shape):
        for (r0, c0), (r1, c1) in zip(points, np.roll(points, -1, axis=0), strict=True):
            if (r0 <= r < r1 or r1 <= r < r0) and c0 + (r - r0) / (r1 - r0) * (c1 - c0) <= c:
                mask[r, c] = not mask[r, c]
    return mask


def test_pixels_whose_centre_lies_inside():
    expected = np.zeros((8, 9), bool)
    expected[2:6, 2:6] = True
    np.testing.assert_array_equal(nested_mask([SQUARE], (8, 9)), expected)
    np.testing.assert_array_equal(nested_mask([SQUARE[::-1]], (8, 9)), expected)  # either direction


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-8, 40), st.integers(-8, 40)), min_size=3, max_size=9))
def test_agrees_with_the_rule_applied_to_one_centre_after_the_other(corners):
    points = np.array(corners) / 4 + [0.01, 0.01 * 2**0.5]  # no edge meets a centre: there the rounding of a division decides
    np.testing.assert_array_equal(nested_mask([points], (12, 11)), one_by_one(points, (12, 11)))


def test_agrees_with_matplotlib_on_round_shapes():
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    points = np.stack([15.03 + 9 * np.cos(angles), 14.02 + 6 * np.sin(angles) + 3 * np.cos(3 * angles)], 1)
    centres = np.stack(np.mgrid[:30, :30], -1).reshape(-1, 2)
    np.testing.assert_array_equal(nested_mask([points], (30, 30)), MatplotlibPath(points).contains_points(centres).reshape(30, 30))


def test_polygons_that_share_edges_share_no_pixel_and_leave_none_out():
    """Corners on pixel centres: the hardest case, four tiles around a common corner."""
    tiles = [np.array([(r, c), (r, c + 4), (r + 4, c + 4), (r + 4, c)], float) for r in (0, 4) for c in (0, 4)]
    total = sum(nested_mask([tile], (10, 10)).astype(int) for tile in tiles)
    expected = np.zeros((10, 10), int)
    expected[:8, :8] = 1
    np.testing.assert_array_equal(total, expected)


def scaled(factor):
    return (SQUARE - 3.5) * factor + 10


def test_nested_polygons_are_holes_and_islands():
    mask = nested_mask([scaled(1), scaled(3), scaled(5)], (20, 20))
    outer, hole, island = (nested_mask([scaled(f)], (20, 20)) for f in (5, 3, 1))
    np.testing.assert_array_equal(mask, outer & ~hole | island)
    assert not mask[6, 6] and mask[10, 10] and mask[1, 1]


def test_polygons_that_overlap_in_part_are_united():
    other = SQUARE + np.array([2, 2])
    expected = nested_mask([SQUARE], (10, 10)) | nested_mask([other], (10, 10))
    np.testing.assert_array_equal(nested_mask([SQUARE, other], (10, 10)), expected)
    np.testing.assert_array_equal(nested_mask([SQUARE, SQUARE], (10, 10)), nested_mask([SQUARE], (10, 10)))  # drawn twice


def test_what_lies_outside_is_cut_off():
    assert nested_mask([SQUARE - 3], (3, 3)).sum() == 9 and nested_mask([SQUARE - 30], (3, 3)).sum() == 0
    assert nested_mask([SQUARE + np.array([0, 30])], (8, 8)).sum() == 0
    assert polygon_patch(np.array([(1.2, 0.0), (1.4, 9.0), (1.6, 0.0)])).area == 0  # between two rows


@settings(max_examples=60, deadline=None)
@given(arrays(bool, (9, 11)))
def test_a_mask_comes_back_from_its_polygons_pixel_for_pixel(mask):
    np.testing.assert_array_equal(nested_mask(mask_polygons(mask), mask.shape), mask)


def test_fewer_points_cost_little_of_the_shape():
    r, c = np.mgrid[:60, :60]
    disk = (r - 30) ** 2 + (c - 28) ** 2 < 400
    exact, coarse = mask_polygons(disk), mask_polygons(disk, tolerance=0.7)
    again = nested_mask(coarse, disk.shape)
    assert len(coarse[0]) < 0.5 * len(exact[0])
    assert (again & disk).sum() / (again | disk).sum() > 0.97
    assert not (again & ~binary_dilation(disk)).any()


@pytest.mark.parametrize("mask", [np.zeros((4, 5), bool), np.ones((4, 5), bool)])
def test_empty_and_full_sections(mask):
    polygons = mask_polygons(mask)
    assert len(polygons) == mask.any()
    np.testing.assert_array_equal(nested_mask(polygons, mask.shape), mask)
