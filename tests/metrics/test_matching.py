from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.matching import match_objects

pair_of_labels = st.integers(1, 60).flatmap(
    lambda n: st.tuples(hnp.arrays(np.int64, n, elements=st.integers(0, 4)), hnp.arrays(np.int64, n, elements=st.integers(0, 4)))
)


@given(pair_of_labels, st.floats(0.05, 1.0))
def test_matches_are_those_of_a_loop_over_masks(pair, threshold):
    truth, prediction = pair
    matches = match_objects(ContingencyTable.from_labels(truth, prediction), iou=threshold)
    assert [m.truth for m in matches] == [t for t in np.unique(truth) if t > 0]
    for match in matches:
        overlaps = {p: int(((truth == match.truth) & (prediction == p)).sum()) for p in np.unique(prediction) if p > 0}
        best = max(overlaps, key=lambda p: overlaps[p], default=None)
        if best is None or overlaps[best] == 0:
            assert (match.prediction, match.iou, match.overlap) == (None, 0.0, 0)
            continue
        union = int(((truth == match.truth) | (prediction == best)).sum())
        assert match.overlap == overlaps[best]
        assert match.iou == pytest.approx(overlaps[best] / union)
        assert match.prediction == (best if match.iou >= threshold else None)


@given(pair_of_labels)
def test_above_one_half_no_prediction_stands_for_two_objects(pair):
    taken = [m.prediction for m in match_objects(ContingencyTable.from_labels(*pair), iou=0.500001) if m.prediction is not None]
    assert len(taken) == len(set(taken))


def test_predicted_voxels_over_background_lower_the_overlap():
    truth, prediction = np.array([0, 0, 0, 1, 1]), np.array([3, 3, 3, 3, 3])
    (match,) = match_objects(ContingencyTable.from_labels(truth, prediction))
    assert (match.prediction, match.iou) == (None, pytest.approx(2 / 5))


def test_threshold_is_checked():
    with pytest.raises(CellmlError, match=r"got 0\.0"):
        match_objects(ContingencyTable(), iou=0.0)
