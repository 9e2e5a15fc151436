from __future__ import annotations

import sys

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.segmentation.fragments import DistanceFragments
from cellml.segmentation.neighbourhood import NEAREST
from cellml.segmentation.waterz_agglomeration import SCORINGS, WaterzAgglomeration


def row_of_fragments(*contacts):
    """Single-voxel fragments in a row along x, and the affinity of each contact."""
    affinities = np.zeros((3, 1, 1, len(contacts) + 1), np.float32)
    affinities[2, 0, 0, 1:] = contacts
    return affinities, np.arange(1, len(contacts) + 2, dtype=np.uint32).reshape(1, 1, -1)


def test_the_affinity_at_a_voxel_joins_it_to_the_one_before(synthetic):
    affinities, fragments = row_of_fragments(0.9, 0.1, 0.9)
    (labels,) = WaterzAgglomeration(min_size=0).sweep(affinities, fragments, [0.5], NEAREST)
    assert synthetic.same_partition(labels.ravel(), np.array([1, 1, 2, 2]))


def test_merges_while_one_minus_affinity_is_below_the_threshold():
    affinities, fragments = row_of_fragments(0.75, 0.25)
    counts = [
        len(np.unique(s))
        for s in WaterzAgglomeration(scoring="mean", min_size=0).sweep(affinities, fragments, [0.0, 0.25, 0.26, 0.75, 0.76], NEAREST)
    ]
    assert counts == [3, 3, 2, 2, 1]


def looped_agglomeration(affinities, fragments, threshold):
    """Merge the best contact until none is good enough, recomputing every mean each time."""
    labels = fragments.astype(int)
    while True:
        contacts = {}
        for channel in range(3):
            a = np.moveaxis(labels, channel, 0)
            values = np.moveaxis(affinities[channel], channel, 0)[1:]
            for u, v, affinity in zip(a[1:].ravel(), a[:-1].ravel(), values.ravel(), strict=True):
                if u != v and u and v:
                    contacts.setdefault((min(u, v), max(u, v)), []).append(affinity)
        scores = {edge: 1 - np.mean(values) for edge, values in contacts.items()}
        if not scores or min(scores.values()) >= threshold:
            return labels
        keep, gone = min(scores, key=scores.get)
        labels[labels == gone] = keep


@pytest.mark.parametrize("seed", range(8))
def test_agrees_with_a_loop_over_the_best_contact(synthetic, seed):
    rng = np.random.default_rng(seed)
    affinities = rng.random((3, 4, 5, 6)).astype(np.float32)
    fragments = rng.integers(0, 12, (4, 5, 6)).astype(np.uint32)
    for threshold, labels in zip(
        (0.45, 0.5), WaterzAgglomeration(scoring="mean", min_size=0).sweep(affinities, fragments, (0.45, 0.5), NEAREST), strict=True
    ):
        assert synthetic.same_partition(labels, looped_agglomeration(affinities, fragments, threshold))


def test_finds_two_boxes_and_keeps_background(synthetic):
    labels = np.zeros((12, 16, 24), np.uint32)
    labels[2:10, 2:14, 2:11], labels[2:10, 2:14, 11:22] = 1, 2
    decoder = WaterzAgglomeration(threshold=0.4, fragments=DistanceFragments(background_below=0.3), min_size=10)
    found = decoder(synthetic.blurred_affinities(labels, noise=0.0), synthetic.LONG)
    inner = np.zeros(labels.shape, bool)
    inner[3:9, 3:13, 3:10] = inner[3:9, 3:13, 12:21] = True
    assert synthetic.same_partition(found[inner], labels[inner])
    assert not found[0].any() and len(np.unique(found)) == 3


def test_sweep_equals_single_runs(synthetic):
    affinities = synthetic.blurred_affinities(np.ones((12, 20, 20), np.uint32), noise=0.3)
    decoder = WaterzAgglomeration()
    fragments = decoder.fragments(affinities, synthetic.LONG)
    before = fragments.copy()
    for threshold, labels in zip((0.1, 0.3), decoder.sweep(affinities, fragments, (0.3, 0.1), synthetic.LONG), strict=True):
        np.testing.assert_array_equal(labels, WaterzAgglomeration(threshold=threshold)(affinities, synthetic.LONG))
    np.testing.assert_array_equal(fragments, before)


@pytest.mark.parametrize("scoring", SCORINGS)
def test_no_scoring_needs_a_compiler(synthetic, scoring, monkeypatch):
    monkeypatch.setitem(sys.modules, "witty", None)  # what waterz compiles with
    affinities, fragments = row_of_fragments(0.9, 0.1)
    (labels,) = WaterzAgglomeration(scoring=scoring, min_size=0).sweep(affinities, fragments, [0.5], NEAREST)
    assert synthetic.same_partition(labels.ravel(), np.array([1, 1, 2]))


def test_nothing_is_printed(synthetic, capfd):
    WaterzAgglomeration()(synthetic.blurred_affinities(np.ones((4, 8, 8), np.uint32)), synthetic.LONG)
    print("mine")
    assert capfd.readouterr().out == "mine\n"


def test_parameters_are_checked():
    with pytest.raises(CellmlError, match="quantile_51"):
        WaterzAgglomeration(scoring="quantile_51")
    with pytest.raises(CellmlError, match=r"got 1\.5"):
        WaterzAgglomeration(threshold=1.5)
