from __future__ import annotations

import numpy as np

from cellml.segmentation.clean import absorb_small, clean, fill_enclosed


def test_a_small_object_goes_to_its_strongest_neighbour():
    labels = np.repeat([1, 2, 3], [8, 2, 8]).astype(np.uint32)[None, None]
    affinities = np.zeros((3, *labels.shape), np.float32)
    affinities[2, 0, 0, 8], affinities[2, 0, 0, 10] = 0.2, 0.9
    assert absorb_small(labels, affinities, 3)[0, 0].tolist() == [1] * 8 + [3] * 10
    affinities[2, 0, 0, 8] = 1.0
    assert absorb_small(labels, affinities, 3)[0, 0].tolist() == [1] * 10 + [3] * 8
    assert absorb_small(labels, affinities, 2) is labels


def test_small_objects_join_each_other_until_they_are_large():
    labels = np.arange(1, 9, dtype=np.uint32)[None, None]
    affinities = np.full((3, *labels.shape), 0.9, np.float32)
    affinities[2, 0, 0, 4] = 0.0
    merged = absorb_small(labels, affinities, 4)[0, 0]
    assert len(set(merged[:4])) == len(set(merged[4:])) == 1
    assert merged[0] != merged[7]


def test_a_small_object_without_neighbour_becomes_background():
    labels = np.zeros((5, 5, 5), np.uint32)
    labels[0, 0, 0], labels[3:, 3:, 3:] = 7, 2
    cleaned = absorb_small(labels, np.ones((3, 5, 5, 5), np.float32), 3)
    assert cleaned[0, 0, 0] == 0 and (cleaned == 2).sum() == 8


def test_nothing_remains_below_the_size():
    rng = np.random.default_rng(0)
    labels = rng.integers(1, 200, (10, 10, 10)).astype(np.uint32)
    cleaned = absorb_small(labels, rng.random((3, 10, 10, 10)).astype(np.float32), 40)
    sizes = np.bincount(cleaned.ravel())
    assert sizes[sizes > 0].min() >= 40 and sizes[0] == 0


def test_holes_and_islands_go_to_what_encloses_them():
    labels = np.zeros((9, 9, 9), np.uint32)
    labels[1:8, 1:8, 1:5] = 1
    labels[1:8, 1:8, 5:8] = 2
    labels[3, 3, 2] = 0
    labels[4:6, 4, 6] = 3
    labels[6, 6, 4:6] = 0  # touches both objects
    filled = fill_enclosed(labels, max_size=2)
    assert filled[3, 3, 2] == 1 and filled[4, 4, 6] == 2
    assert (filled[6, 6, 4:6] == 0).all() and filled[0, 0, 0] == 0
    assert fill_enclosed(labels, max_size=1)[4, 4, 6] == 3


def test_what_touches_the_border_is_not_enclosed():
    labels = np.ones((4, 4, 4), np.uint32)
    labels[0, 2, 2] = 0
    labels[3, 1, 1] = 5
    np.testing.assert_array_equal(fill_enclosed(labels, max_size=10), labels)


def test_cleaning_fills_only_when_asked():
    labels = np.ones((5, 5, 5), np.uint32)
    labels[2, 2, 2] = 0
    affinities = np.ones((3, 5, 5, 5), np.float32)
    assert clean(labels, affinities, min_size=10, max_enclosed=0)[2, 2, 2] == 0
    assert clean(labels, affinities, min_size=10, max_enclosed=1)[2, 2, 2] == 1
