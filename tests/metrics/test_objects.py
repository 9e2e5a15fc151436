from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import linear_sum_assignment

from cellml.errors import CellmlError, FileError
from cellml.metrics.confidences import average_precision, mean_average_precision, read_confidences
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.objects import COCO_THRESHOLDS, matched_objects

pairs_of_labels = st.integers(1, 60).flatmap(
    lambda n: st.tuples(hnp.arrays(np.int64, n, elements=st.integers(0, 5)), hnp.arrays(np.int64, n, elements=st.integers(0, 5)))
)


def iou_matrix(truth, prediction):
    """Intersections over union of all true (rows) and predicted objects, mask by mask."""
    t, p = (np.unique(labels[labels > 0]) for labels in (truth, prediction))
    return np.array([[((truth == i) & (prediction == j)).sum() / ((truth == i) | (prediction == j)).sum() for j in p] for i in t]).reshape(
        t.size, p.size
    )


@given(pairs_of_labels, st.sampled_from(COCO_THRESHOLDS))
def test_counts_are_those_of_the_best_assignment(pair, threshold):
    found = matched_objects(ContingencyTable.from_labels(*pair)).at(threshold)
    iou = iou_matrix(*pair)
    good = iou >= threshold - 1e-9
    rows, columns = linear_sum_assignment(good + 1e-3 * iou * good, maximize=True)
    hits = good[rows, columns].sum()
    assert (found.true_positives, found.false_negatives, found.false_positives) == (hits, iou.shape[0] - hits, iou.shape[1] - hits)
    assert found.iou_sum == pytest.approx(iou[rows, columns][good[rows, columns]].sum())


def three_objects():
    """Truth 1, 2, 3 of ten voxels; 4 covers 1 by 10/10, 5 covers 2 by 6/10, 6 is nowhere near."""
    truth, prediction = np.zeros(50, int), np.zeros(50, int)
    truth[:10], truth[10:20], truth[20:30] = 1, 2, 3
    prediction[:10], prediction[10:16], prediction[40:] = 4, 5, 6
    return matched_objects(ContingencyTable.from_labels(truth, prediction))


def test_closed_forms():
    matched = three_objects()
    half, high = matched.at(0.5), matched.at(0.75)
    assert (half.true_positives, half.false_positives, half.false_negatives) == (2, 1, 1)
    assert half.average_precision == pytest.approx(2 / 4) and half.f1 == pytest.approx(2 / 3)
    assert half.panoptic_quality == pytest.approx(1.6 / 3) == pytest.approx(half.segmentation_quality * half.f1)
    assert high.average_precision == pytest.approx(1 / 5)
    assert matched.at(0.6).true_positives == 2  # 0.6 of a float and 6/10 of voxels are the same
    assert matched.mean_average_precision == pytest.approx((3 * 2 / 4 + 7 * 1 / 5) / 10)
    assert [one.iou for one in matched.sweep()] == list(COCO_THRESHOLDS)


def test_thresholds_below_one_half_are_refused():
    with pytest.raises(CellmlError, match=r"between 0\.5 and 1.*got 0\.3"):
        three_objects().at(0.3)


def test_nothing_anywhere_is_undefined():
    found = matched_objects(ContingencyTable.from_labels(np.zeros(4, int), np.zeros(4, int))).at(0.5)
    assert np.isnan([found.average_precision, found.precision, found.recall, found.f1, found.panoptic_quality]).all()


def precision_over_recall(hits_in_order, true_objects):
    """COCO's average precision: for each of 101 recalls the best precision at that recall or beyond."""
    points = []
    for count in range(1, len(hits_in_order) + 1):
        hits = sum(hits_in_order[:count])
        points.append((hits / true_objects, hits / count))
    return np.mean([max((p for r, p in points if r >= recall / 100 - 1e-12), default=0.0) for recall in range(101)])


@given(pairs_of_labels, st.permutations(range(1, 6)), st.sampled_from((0.5, 0.75)))
def test_average_precision_with_confidences_is_that_of_the_definition(pair, ranks, threshold):
    matched = matched_objects(ContingencyTable.from_labels(*pair))
    confidences = {label: 1 / rank for label, rank in zip(range(1, 6), ranks, strict=True)}
    value = average_precision(matched, confidences, threshold)
    if not matched.truth.size:
        assert np.isnan(value)
        return
    ordered = sorted(matched.prediction.tolist(), key=lambda label: -confidences[label])
    hits = {int(p) for (_, p), iou in zip(matched.pairs, matched.iou, strict=True) if iou >= threshold - 1e-9}
    assert value == pytest.approx(precision_over_recall([label in hits for label in ordered], matched.truth.size))


def test_a_confident_error_costs_more_than_a_doubtful_one():
    matched = three_objects()
    doubtful, confident = {4: 0.9, 5: 0.8, 6: 0.1}, {4: 0.5, 5: 0.4, 6: 0.9}
    assert average_precision(matched, doubtful, 0.5) == pytest.approx(67 / 101)
    assert average_precision(matched, confident, 0.5) == pytest.approx(67 / 101 * 2 / 3)
    assert mean_average_precision(matched, doubtful) < average_precision(matched, doubtful, 0.5)


def test_confidences_are_read_and_checked(tmp_path):
    path = tmp_path / "confidences.csv"
    path.write_text("label,confidence\n4,0.9\n5,0.25\n")
    assert read_confidences(path) == {4: 0.9, 5: 0.25}
    with pytest.raises(CellmlError, match=r"1 of 3 predicted objects.*label 6"):
        average_precision(three_objects(), read_confidences(path), 0.5)
    path.write_text("label,confidence\n4,high\n")
    with pytest.raises(FileError, match=r"row 1: '4', 'high'"):
        read_confidences(path)
    path.write_text("id,score\n")
    with pytest.raises(FileError, match="id, score; it needs label and confidence"):
        read_confidences(path)
    with pytest.raises(FileError, match="no table of confidences"):
        read_confidences(tmp_path / "none.csv")
