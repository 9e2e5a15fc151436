from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from cellml.metrics.clefts import cleft_scores

SPACING = (40.0, 4.0, 4.0)


def masks(seed=0):
    rng = np.random.default_rng(seed)
    coarse = rng.random((2, 5, 6, 7)) < 0.2
    return coarse.repeat(2, 1).repeat(9, 2).repeat(8, 3)


def cut(prediction, truth, depth):
    return lambda: ((prediction[z : z + depth], truth[z : z + depth]) for z in range(0, len(truth), depth))


@pytest.mark.parametrize("depth", [1, 3, 10])
def test_agrees_with_distance_transforms_of_whole_volumes(depth):
    prediction, truth = masks()
    found = cleft_scores(cut(prediction, truth, depth), SPACING)
    to_truth = distance_transform_edt(~truth, sampling=SPACING)[prediction]
    to_prediction = distance_transform_edt(~prediction, sampling=SPACING)[truth]
    assert (found.adgt_nm, found.adf_nm) == pytest.approx((to_truth.mean(), to_prediction.mean()))
    assert found.score_nm == pytest.approx((to_truth.mean() + to_prediction.mean()) / 2)
    far = distance_transform_edt(~truth, sampling=(400.0, 40.0, 40.0))[prediction]
    assert cleft_scores(cut(prediction, truth, depth), (400.0, 40.0, 40.0)).false_positives == (far > 200).sum() > 0
    assert (found.truth_voxels, found.prediction_voxels) == (truth.sum(), prediction.sum())


def test_one_side_without_clefts_is_infinitely_far_and_both_are_undefined():
    _, truth = masks()
    nothing = np.zeros_like(truth)
    missed = cleft_scores(cut(nothing, truth, 4), SPACING)
    assert (missed.score_nm, missed.false_negatives, missed.false_positives) == (np.inf, truth.sum(), 0)
    assert np.isnan(cleft_scores(cut(nothing, nothing, 4), SPACING).score_nm)
    assert cleft_scores(cut(truth, truth, 4), SPACING).score_nm == 0
