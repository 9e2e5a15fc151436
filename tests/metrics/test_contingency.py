from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable

pair_of_labels = st.integers(1, 60).flatmap(
    lambda n: st.tuples(hnp.arrays(np.int64, n, elements=st.integers(0, 5)), hnp.arrays(np.int64, n, elements=st.integers(0, 5)))
)


def naive_counts(truth, prediction):
    counts: dict[tuple[int, int], int] = {}
    for t, p in zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True):
        counts[t, p] = counts.get((t, p), 0) + 1
    return counts


def as_dict(table):
    return {(int(t), int(p)): int(c) for t, p, c in zip(table.truth, table.prediction, table.counts, strict=True)}


@given(pair_of_labels)
def test_counts_are_those_of_a_voxel_by_voxel_loop(pair):
    table = ContingencyTable.from_labels(*pair)
    assert as_dict(table) == naive_counts(*pair)
    assert table.voxels == pair[0].size
    labels, sizes = table.truth_sizes
    assert dict(zip(labels.tolist(), sizes.tolist(), strict=True)) == dict(
        zip(*(a.tolist() for a in np.unique(pair[0], return_counts=True)), strict=True)
    )


@given(pair_of_labels, st.integers(0, 60), st.integers(0, 60))
def test_blocks_merge_to_the_whole_in_any_order(pair, first, second):
    truth, prediction = pair
    lo, hi = sorted((min(first, truth.size), min(second, truth.size)))
    blocks = [ContingencyTable.from_labels(truth[a:b], prediction[a:b]) for a, b in ((0, lo), (lo, hi), (hi, truth.size))]
    whole = ContingencyTable.from_labels(truth, prediction)
    updated = ContingencyTable().update(truth[hi:], prediction[hi:]).update(truth[:hi], prediction[:hi])
    for merged in (blocks[0] + blocks[1] + blocks[2], blocks[2] + (blocks[0] + blocks[1]), updated):
        for name in ("truth", "prediction", "counts"):
            np.testing.assert_array_equal(getattr(merged, name), getattr(whole, name))


@given(pair_of_labels)
def test_transposing_exchanges_the_two_sides(pair):
    table = ContingencyTable.from_labels(*pair)
    assert as_dict(table.transposed()) == as_dict(ContingencyTable.from_labels(pair[1], pair[0]))


def test_mask_leaves_voxels_out():
    truth, prediction = np.array([[1, 1], [2, 2]]), np.array([[0, 3], [3, 3]])
    table = ContingencyTable.from_labels(truth, prediction, mask=np.array([[0, 1], [1, 0]]))
    assert as_dict(table) == {(1, 3): 1, (2, 3): 1}
    assert ContingencyTable.from_labels(truth, prediction, mask=np.zeros((2, 2))).voxels == 0


def test_labelled_drops_truth_zero_and_keeps_prediction_zero():
    table = ContingencyTable.from_labels(np.array([0, 0, 1, 1]), np.array([0, 5, 0, 5])).labelled()
    assert as_dict(table) == {(1, 0): 1, (1, 5): 1}


def test_sparse_and_huge_ids_are_kept_apart():
    big = np.array([2**62, 2**62, 2**62 + 1], np.uint64)
    table = ContingencyTable.from_labels(big, big[::-1].copy())
    assert as_dict(table) == {(2**62, 2**62 + 1): 1, (2**62, 2**62): 1, (2**62 + 1, 2**62): 1}


def test_refuses_what_cannot_be_counted():
    labels = np.ones((2, 3), np.uint8)
    with pytest.raises(CellmlError, match=r"\(2, 3\).*prediction has shape \(3, 2\)"):
        ContingencyTable.from_labels(labels, labels.T)
    with pytest.raises(CellmlError, match=r"mask has shape \(6,\)"):
        ContingencyTable.from_labels(labels, labels, mask=np.ones(6))
    with pytest.raises(CellmlError, match="float64"):
        ContingencyTable.from_labels(labels, labels.astype(float))
    with pytest.raises(CellmlError, match="2\\^63"):
        ContingencyTable.from_labels(labels, np.full((2, 3), 2**63, np.uint64))


def test_ten_million_voxels_take_about_a_second():
    coarse = np.random.default_rng(0).integers(0, 400, (5, 20, 25)).astype(np.uint32)
    truth = coarse.repeat(16, 0).repeat(16, 1).repeat(16, 2)
    prediction = np.roll(truth, 3, axis=2)
    start = time.process_time()
    table = ContingencyTable.from_labels(truth, prediction)
    assert time.process_time() - start < 3.0  # about 0.2 s on an idle core
    assert table.voxels == truth.size == 10_240_000
