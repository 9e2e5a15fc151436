from __future__ import annotations

import numpy as np

from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.partition import partition_scores
from cellml.segmentation.watershed import Watershed


def test_finds_cells_in_noise(synthetic):
    truth = synthetic.cells()
    scores = partition_scores(
        ContingencyTable.from_labels(truth, Watershed(seed_distance=1.5)(synthetic.blurred_affinities(truth), synthetic.LONG))
    )
    assert scores.adapted_rand_error < 0.1 and scores.prediction_zero_share == 0.0


def test_seed_distance_breaks_a_neck(synthetic):
    labels = np.zeros((16, 16, 32), np.uint32)
    labels[2:14, 2:14, 2:14] = labels[2:14, 2:14, 18:30] = labels[5:11, 5:11, 14:18] = 1
    affinities = synthetic.blurred_affinities(labels, noise=0.0)
    whole = Watershed(background_below=0.3, seed_distance=0.0)(affinities, synthetic.LONG)
    broken = Watershed(background_below=0.3, seed_distance=3.5)(affinities, synthetic.LONG)
    assert len(np.unique(whole)) == 2 and len(np.unique(broken)) == 3
    assert not whole[0].any()


def test_mask_is_kept(synthetic):
    mask = np.zeros((24, 36, 36), bool)
    mask[:10] = True
    found = Watershed()(synthetic.blurred_affinities(synthetic.cells()), synthetic.LONG, mask)
    assert not found[10:].any() and found[:10].all()
