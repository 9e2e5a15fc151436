from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cellml.meshing.debris import fewest_voxels, remove_debris

ISOTROPIC = (10.0, 10.0, 10.0)


def _box(shape=(12, 12, 12), label=1):
    data = np.zeros(shape, np.int64)
    data[2:-2, 2:-2, 2:-2] = label
    return data


def test_what_is_clean_stays_as_it_is():
    data = _box()
    cleaned = remove_debris(data, ISOTROPIC)
    assert cleaned.data is data
    assert cleaned.said == ()
    assert (cleaned.largest, cleaned.crumbs) == ({1: 512}, {1: 0})


def test_crumbs_in_the_background_vanish():
    data = _box()
    data[0, 0, :3] = 1
    data[11, 0, 0] = 2
    cleaned = remove_debris(data, ISOTROPIC)
    assert np.array_equal(cleaned.data, _box())
    assert cleaned.said == (
        "1 fragment of label 1 below 27 voxels (3 voxels in all) given to the surroundings",
        "1 fragment of label 2 below 27 voxels (1 voxel in all) given to the surroundings",
    )
    assert cleaned.crumbs == {1: 3, 2: 1}
    assert cleaned.largest == {1: 512, 2: 1}


def test_crumbs_inside_an_object_and_holes_are_filled_with_it():
    data = _box()
    data[5, 5, 5:7] = 3
    data[8, 8, 8] = 0
    data[3, 3, 3] = 0
    cleaned = remove_debris(data, ISOTROPIC)
    assert np.array_equal(cleaned.data, _box())
    assert cleaned.said[0] == "2 holes below 27 voxels (2 voxels in all) given to the surroundings"
    assert cleaned.said[1].startswith("1 fragment of label 3 ")


def test_27_voxels_are_a_shape_and_26_are_not():
    data = np.zeros((9, 9, 9), np.int64)
    data[3:6, 3:6, 3:6] = 4
    assert np.array_equal(remove_debris(data, ISOTROPIC).data, data)
    data[3, 3, 3] = 0
    assert not remove_debris(data, ISOTROPIC).data.any()


def test_contact_over_edges_or_corners_is_no_connection():
    data = _box()
    data[1, 1, 1] = 1
    data[1, 5, 1] = 1
    assert remove_debris(data, ISOTROPIC).crumbs == {1: 2}


@pytest.mark.parametrize(("spacing", "label"), [((50.0, 10.0, 10.0), 2), ((10.0, 10.0, 50.0), 1)])
def test_the_nearest_in_nanometres_takes_a_crumb(spacing, label):
    data = np.ones((9, 5, 15), np.int64)
    data[4] = 2
    data[4, :, 7] = 3
    assert (remove_debris(data, spacing).data[4, :, 7] == label).all()


def test_only_crumbs_are_left_to_be_refused_elsewhere():
    data = np.zeros((2, 2, 2), np.int64)
    data[0, 0, 0] = 1
    cleaned = remove_debris(data, ISOTROPIC)
    assert np.array_equal(cleaned.data, data)
    assert (cleaned.largest, cleaned.crumbs) == ({1: 1}, {1: 1})


def _slow_fragments(data):
    for number in np.unique(data):
        member, count = ndimage.label(data == number)
        for fragment in range(1, count + 1):
            yield int(number), member == fragment


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_each_voxel_of_debris_takes_the_label_of_a_nearest_other_voxel(seed):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 3, size=(2, 2, 2))
    data = np.kron(coarse, np.ones((4, 4, 4), np.int64))
    at = rng.random(data.shape) < 0.03
    data[at] = rng.integers(0, 4, size=int(at.sum()))
    spacing = (30.0, 10.0, 20.0)
    small = np.zeros(data.shape, bool)
    for _, fragment in _slow_fragments(data):
        small |= fragment & (fragment.sum() < fewest_voxels(data.shape))
    cleaned = remove_debris(data, spacing)
    assert np.array_equal(cleaned.data[~small], data[~small])
    solid = np.argwhere(~small)
    for voxel in np.argwhere(small):
        distance = np.linalg.norm((solid - voxel) * np.array(spacing), axis=1)
        nearest = solid[distance <= distance.min() * (1 + 1e-9)]
        assert cleaned.data[tuple(voxel)] in data[tuple(nearest.T)]
    assert sum(cleaned.crumbs.values()) == int((small & (data > 0)).sum())


@pytest.mark.parametrize("label", [2**31 - 1, 7])
def test_labels_of_any_size_are_kept(label):
    assert set(np.unique(remove_debris(_box(label=label), ISOTROPIC).data)) == {0, label}


def test_in_a_single_section_a_hole_of_nine_voxels_stays():
    data = np.ones((1, 20, 20), np.int64)
    data[0, 4:7, 4:7] = 0
    data[0, 12:14, 12:16] = 0
    cleaned = remove_debris(data, ISOTROPIC)
    assert cleaned.said == ("1 hole below 9 voxels (8 voxels in all) given to the surroundings",)
    assert int((cleaned.data == 0).sum()) == 9


@pytest.mark.parametrize(("shape", "fewest"), [((40, 40, 40), 27), ((2, 40, 40), 18), ((40, 1, 40), 9), ((1, 1, 1), 9)])
def test_a_shape_needs_three_voxels_across_where_there_are_three(shape, fewest):
    assert fewest_voxels(shape) == fewest
