from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import adapted_rand_error, variation_of_information

from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.cremi import away_from_borders, cremi_score
from cellml.metrics.partition import partition_scores


def test_it_is_the_geometric_mean_of_rand_error_and_variation_of_information():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 5, (6, 8, 8)).repeat(3, 1).repeat(3, 2)
    prediction = np.where(rng.random(truth.shape) < 0.2, 0, truth)
    t, p = truth[truth > 0], prediction[truth > 0]
    expected = np.sqrt(adapted_rand_error(t, p, ignore_labels=())[0] * sum(variation_of_information(t, p)))
    assert cremi_score(partition_scores(ContingencyTable.from_labels(truth, prediction))) == pytest.approx(expected)
    assert cremi_score(partition_scores(ContingencyTable.from_labels(truth, truth))) == pytest.approx(0, abs=1e-9)


def test_is_nearly_that_of_the_challenge_where_nothing_is_left_out():
    """The challenge's Rand error takes n² where scikit-image takes n(n − 1)."""
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 5, (6, 8, 8)).repeat(4, 1).repeat(4, 2)
    prediction = np.where(rng.random(truth.shape) < 0.2, rng.integers(1, 5, truth.shape), truth + 1)
    table = np.zeros((5, 7))
    np.add.at(table, (truth.ravel(), prediction.ravel()), 1)
    scored = table[1:]
    rand_error = 1 - 2 * (scored**2).sum() / ((scored.sum(axis=0) ** 2).sum() + (scored.sum(axis=1) ** 2).sum())
    voi = sum(variation_of_information(truth[truth > 0], prediction[truth > 0]))
    found = cremi_score(partition_scores(ContingencyTable.from_labels(truth, prediction)))
    assert found == pytest.approx(np.sqrt(voi * rand_error), rel=1e-2)


def test_borders_of_a_section_are_left_out_by_distance_in_nanometres():
    truth = np.ones((2, 6, 12), int)
    truth[0, :, 6:] = 2
    away = away_from_borders(truth, (40.0, 4.0, 4.0), 8.0)
    assert away[1].all()
    assert (away[0] == (np.abs(np.arange(12) - 5.5) > 2.5)[None]).all()  # centres of border voxels: 5 and 6; two further on either side
    assert (~away_from_borders(truth, (40.0, 4.0, 4.0), 0.0)[0]).sum() == 12
