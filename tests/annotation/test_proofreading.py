from __future__ import annotations

import numpy as np
import pytest

from cellml.annotation.proofreading import adopt_objects, merge_objects, relabel_object, split_object
from cellml.errors import CellmlError

SPACING = (40.0, 5.0, 5.0)


def dumbbell():
    """Two disks in three sections, joined by a bar: label 5; a box: label 7."""
    z, y, x = np.indices((5, 40, 60))
    labels = np.zeros(z.shape, np.uint32)
    two = ((y - 20) ** 2 + (x - 15) ** 2 < 81) | ((y - 20) ** 2 + (x - 43) ** 2 < 81) | ((abs(y - 20) < 3) & (x > 14) & (x < 44))
    labels[two & (z > 0) & (z < 4)] = 5
    labels[0:2, 34:39, 2:9] = 7
    return labels


def applied(labels, change):
    after = labels.copy()
    after.ravel()[change.flat] = change.values
    return after


def test_an_object_is_parted_at_its_neck():
    labels = dumbbell()
    after = applied(labels, split_object(labels, 5, [np.array([[2, 20, 12]]), np.array([[2, 21, 46]])], SPACING, 8))
    assert set(np.unique(after)) == {0, 5, 7, 8} and ((after == 5) | (after == 8)).sum() == (labels == 5).sum()
    x = np.indices(labels.shape)[2]
    assert 26 <= x[after == 5].max() <= 32 and 26 <= x[after == 8].min() <= 33
    np.testing.assert_array_equal(after == 7, labels == 7)


def test_seeds_may_be_strokes_that_leave_the_object_and_three_make_three_parts():
    labels = dumbbell()
    stroke = np.stack([np.full(30, 2), np.full(30, 20), np.arange(-5, 25)], axis=1)
    seeds = [stroke, np.array([[2, 20, 29]]), np.array([[2, 20, 45]])]
    after = applied(labels, split_object(labels, 5, seeds, SPACING, 11))
    assert set(np.unique(after)) == {0, 5, 7, 11, 12}
    assert after[2, 20, 20] == 5 and after[2, 20, 29] == 11 and after[2, 20, 45] == 12


@pytest.mark.parametrize(
    ("label", "seeds", "message"),
    [
        (6, [[(2, 20, 12)], [(2, 20, 46)]], "no object 6"),
        (0, [[(2, 20, 12)], [(2, 20, 46)]], "no object 0"),
        (5, [[(2, 20, 12)]], "at least two seeds, got 1"),
        (5, [[(2, 20, 12)], [(2, 1, 1)]], "Seed 2 has no voxel in object 5"),
        (5, [[(2, 20, 12)], [(99, 1, 1)]], "Seed 2 has no voxel in object 5"),
        (5, [[(2, 20, 12)], [(2, 20, 12), (2, 20, 13)]], "Seed 2 shares a voxel"),
    ],
)
def test_splits_that_make_no_sense_are_refused(label, seeds, message):
    with pytest.raises(CellmlError, match=message):
        split_object(dumbbell(), label, [np.array(seed) for seed in seeds], SPACING, 8)


def test_merging_and_relabelling():
    labels = dumbbell()
    assert set(np.unique(applied(labels, merge_objects(labels, [7, 5])))) == {0, 7}
    assert set(np.unique(applied(labels, relabel_object(labels, 7, 0)))) == {0, 5}
    assert set(np.unique(applied(labels, relabel_object(labels, 7, 9)))) == {0, 5, 9}
    for bad in ([5], [5, 5], []):
        with pytest.raises(CellmlError, match="at least two different objects"):
            merge_objects(labels, bad)
    with pytest.raises(CellmlError, match="no object 99"):
        merge_objects(labels, [5, 99])
    with pytest.raises(CellmlError, match="new label is -1"):
        relabel_object(labels, 5, -1)


def test_predicted_objects_are_adopted_where_none_are_yet():
    labels = dumbbell()
    region = (slice(1, 4), slice(0, 40), slice(0, 60))
    mask = np.zeros((3, 40, 60), bool)
    mask[0, 2:6, 2:6], mask[2, 2:4, 50:52], mask[:, 18:22, 10:20] = True, True, True  # the last lies in object 5
    after = applied(labels, adopt_objects(labels, region, mask, 8, 5))
    assert set(np.unique(after)) == {0, 5, 7, 8} and (after == 8).sum() == 16 and after[1, 3, 3] == 8
    with pytest.raises(CellmlError, match="no new object of at least 50 voxels"):
        adopt_objects(labels, region, mask, 8, 50)
