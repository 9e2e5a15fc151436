from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.metrics import adapted_rand_error as skimage_rand
from skimage.metrics import variation_of_information as skimage_voi

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.partition import (
    adapted_rand_error,
    information_f_score,
    partition_scores,
    rand_f_score,
    variation_of_information,
)

labels_2_to_50 = st.integers(2, 50).flatmap(
    lambda n: st.tuples(hnp.arrays(np.int64, n, elements=st.integers(0, 4)), hnp.arrays(np.int64, n, elements=st.integers(0, 4)))
)


def random_labels(seed, shape=(12, 20, 30), objects=9):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, objects, [-(-s // 4) for s in shape])
    full = coarse.repeat(4, 0).repeat(4, 1).repeat(4, 2)[: shape[0], : shape[1], : shape[2]]
    noise = rng.random(shape) < 0.1
    return np.where(noise, rng.integers(0, objects, shape), full)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_image_over_voxels_with_truth(seed):
    truth, prediction = random_labels(seed), random_labels(seed + 100)
    scores = partition_scores(ContingencyTable.from_labels(truth, prediction))
    t, p = truth[truth > 0], prediction[truth > 0]
    error, precision, recall = skimage_rand(t, p, ignore_labels=())
    split, merge = skimage_voi(t, p)
    assert scores.adapted_rand_error == pytest.approx(error, rel=1e-12)
    # scikit-image's table has truth first and calls its first ratio precision: the names are exchanged there
    assert (scores.adapted_rand_recall, scores.adapted_rand_precision) == pytest.approx((precision, recall), rel=1e-12)
    assert (scores.voi_split, scores.voi_merge) == pytest.approx((split, merge), rel=1e-9)
    assert scores.voxels_scored == t.size
    assert scores.prediction_zero_share == pytest.approx((p == 0).mean())


def naive_pairs(a, b):
    """Pairs of voxels together in a, in b and in both, by looping over all of them."""
    in_a = in_b = in_both = 0
    for i in range(a.size):
        for j in range(a.size):
            if i != j:
                in_a += a[i] == a[j]
                in_b += b[i] == b[j]
                in_both += a[i] == a[j] and b[i] == b[j]
    return in_a, in_b, in_both


@given(labels_2_to_50)
def test_rand_counts_pairs_of_voxels(pair):
    truth, prediction = pair
    in_truth, in_prediction, both = naive_pairs(truth, prediction)
    error, precision, recall = adapted_rand_error(ContingencyTable.from_labels(truth, prediction))
    assert precision == pytest.approx(both / in_prediction if in_prediction else 1.0)
    assert recall == pytest.approx(both / in_truth if in_truth else 1.0)
    assert error == pytest.approx(1 - 2 * both / (in_truth + in_prediction) if in_truth + in_prediction else 0.0)


def test_closed_forms_of_one_split_and_one_merge():
    whole, halves = np.ones(64, int), np.repeat([1, 2], 32)
    split = ContingencyTable.from_labels(whole, halves)
    assert variation_of_information(split) == (1.0, 0.0)
    assert variation_of_information(split.transposed()) == (0.0, 1.0)
    error, precision, recall = adapted_rand_error(split)
    assert (precision, recall) == (1.0, pytest.approx(2 * 32 * 31 / (64 * 63)))
    assert error == pytest.approx(1 - 2 * recall / (1 + recall))
    assert rand_f_score(split) == pytest.approx(2 * 0.5 / (0.5 + 1.0))
    assert information_f_score(split) == 0.0


@given(labels_2_to_50, st.permutations(range(5)))
def test_error_and_information_are_symmetric_and_blind_to_numbering(pair, renumbering):
    table = ContingencyTable.from_labels(*pair)
    other = ContingencyTable.from_labels(pair[0], np.array(renumbering)[pair[1]])
    for score in (rand_f_score, information_f_score, lambda t: adapted_rand_error(t)[0], lambda t: sum(variation_of_information(t))):
        assert score(table) == pytest.approx(score(table.transposed()), abs=1e-12)
        assert score(table) == pytest.approx(score(other), abs=1e-12)


@given(labels_2_to_50)
def test_bounds_and_perfection(pair):
    table = ContingencyTable.from_labels(*pair)
    error, precision, recall = adapted_rand_error(table)
    assert -1e-12 <= error <= 1 and 0 <= precision <= 1 and 0 <= recall <= 1
    assert min(variation_of_information(table)) >= 0
    assert -1e-12 <= information_f_score(table) <= 1 + 1e-12
    itself = ContingencyTable.from_labels(pair[0], pair[0])
    assert adapted_rand_error(itself)[0] == 0
    assert sum(variation_of_information(itself)) == pytest.approx(0, abs=1e-12)
    assert information_f_score(itself) == pytest.approx(1)


def test_prediction_zero_is_one_ordinary_segment_and_truth_zero_is_not_scored():
    truth, prediction = np.array([0, 0, 1, 1, 2, 2]), np.array([4, 7, 0, 0, 9, 9])
    scores = partition_scores(ContingencyTable.from_labels(truth, prediction))
    assert (scores.adapted_rand_error, scores.voi_sum) == (0.0, 0.0)
    assert (scores.voxels_scored, scores.truth_objects, scores.prediction_objects) == (4, 2, 1)
    assert scores.prediction_zero_share == 0.5


def test_large_counts_do_not_overflow():
    table = ContingencyTable(np.array([1, 1]), np.array([1, 2]), np.array([6_000_000_000, 6_000_000_000]))
    assert adapted_rand_error(table)[0] == pytest.approx(1 / 3)


def test_nothing_labelled_is_an_error():
    with pytest.raises(CellmlError, match="None of the 8 voxels"):
        partition_scores(ContingencyTable.from_labels(np.zeros(8, int), np.ones(8, int)))
