from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellml.errors import CellmlError
from cellml.metrics.confusion import ConfusionCounts

classes_pair = st.integers(1, 40).flatmap(
    lambda n: st.tuples(hnp.arrays(np.uint8, n, elements=st.integers(0, 3)), hnp.arrays(np.uint8, n, elements=st.integers(0, 3)))
)


@given(classes_pair)
def test_scores_are_those_of_masks(pair):
    truth, prediction = pair
    for label, score in enumerate(ConfusionCounts.from_labels(truth, prediction, classes=4).scores()):
        t, p = truth == label, prediction == label
        expected = {
            "dice": (2 * (t & p).sum(), t.sum() + p.sum()),
            "iou": ((t & p).sum(), (t | p).sum()),
            "precision": ((t & p).sum(), p.sum()),
            "recall": ((t & p).sum(), t.sum()),
        }
        for name, (above, below) in expected.items():
            value = getattr(score, name)
            assert math.isnan(value) if below == 0 else value == pytest.approx(above / below)
        assert (score.truth_voxels, score.prediction_voxels) == (t.sum(), p.sum())


@given(classes_pair, st.integers(0, 40))
def test_blocks_merge_to_the_whole(pair, cut):
    truth, prediction = pair
    whole = ConfusionCounts.from_labels(truth, prediction, classes=4)
    merged = ConfusionCounts.zeros(4).update(truth[:cut], prediction[:cut]).update(truth[cut:], prediction[cut:])
    np.testing.assert_array_equal(merged.matrix, whole.matrix)


def test_means_leave_out_background_and_absent_classes():
    counts = ConfusionCounts.from_labels(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), classes=3)
    assert counts.mean_dice() == pytest.approx(4 / 5)
    assert counts.mean_iou() == pytest.approx(2 / 3)
    assert math.isnan(ConfusionCounts.zeros(2).mean_dice())


def test_mask_and_refusals():
    truth = np.array([0, 1, 5])
    assert ConfusionCounts.from_labels(truth, truth, classes=2, mask=truth < 5).matrix.trace() == 2
    with pytest.raises(CellmlError, match="class 5, but the classes are 0 to 1"):
        ConfusionCounts.from_labels(truth, truth, classes=2)
    with pytest.raises(CellmlError, match="2 and of 3 classes"):
        ConfusionCounts.zeros(2) + ConfusionCounts.zeros(3)
