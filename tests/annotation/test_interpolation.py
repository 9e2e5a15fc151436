from __future__ import annotations

import numpy as np
import pytest

from cellml.annotation.interpolation import bridged, shapes_between


def disk(radius, centre=(30.0, 30.0), shape=(61, 61), pixel=(1.0, 1.0)):
    r, c = np.mgrid[: shape[0], : shape[1]]
    return ((r - centre[0]) * pixel[0]) ** 2 + ((c - centre[1]) * pixel[1]) ** 2 < radius**2


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


@pytest.mark.parametrize("follow", [True, False])
def test_between_two_disks_the_radius_grows_linearly(follow):
    """The signed distance to a disk is ρ − r, so that (1 − t)(ρ − r₀) + t(ρ − r₁) vanishes at ρ = (1 − t) r₀ + t r₁."""
    between = shapes_between(disk(8), disk(20), 3, (1.0, 1.0), follow=follow)
    for shape, radius in zip(between, (11, 14, 17), strict=True):
        assert iou(shape, disk(radius)) > 0.97


def test_a_shape_that_moves_farther_than_its_width_keeps_its_size_on_the_way():
    first, second = disk(6, (15, 15)), disk(6, (45, 40))
    (middle,) = shapes_between(first, second, 1, (1.0, 1.0))
    assert iou(middle, disk(6, (30, 27.5))) > 0.9
    assert not shapes_between(first, second, 1, (1.0, 1.0), follow=False).any()  # what plain interpolation makes of it


def test_several_outlines_in_a_section_are_not_moved():
    pair = disk(5, (15, 15)) | disk(5, (45, 45))
    (middle,) = shapes_between(pair, pair, 1, (1.0, 1.0))
    np.testing.assert_array_equal(middle, pair)


def test_pixels_that_are_not_square():
    """Disks in nm on pixels twice as high as wide."""
    first, second = (disk(r, (15, 30), (31, 61), (2.0, 1.0)) for r in (8.0, 16.0))
    (middle,) = shapes_between(first, second, 1, (2.0, 1.0))
    assert iou(middle, disk(12.0, (15, 30), (31, 61), (2.0, 1.0))) > 0.93


def test_only_gaps_up_to_the_bridge_are_filled_and_nothing_is_added_at_the_ends():
    traced = {3: disk(8), 6: disk(8), 12: disk(8)}
    assert sorted(bridged(traced, 0, (1.0, 1.0))) == [3, 6, 12]
    assert sorted(bridged(traced, 2, (1.0, 1.0))) == [3, 4, 5, 6, 12]
    assert sorted(bridged(traced, 5, (1.0, 1.0))) == list(range(3, 13))


def test_sections_traced_as_empty_stay_so():
    filled = bridged({0: disk(8), 2: np.zeros((61, 61), bool)}, 4, (1.0, 1.0))
    assert sorted(filled) == [0, 2]
