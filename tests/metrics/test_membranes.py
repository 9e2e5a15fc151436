from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.ndimage import gaussian_filter, label

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.membranes import membrane_scores, section_counts, sweep_membrane_thresholds
from cellml.metrics.pair_counts import PairCounts
from cellml.metrics.partition import information_f_score, rand_f_score
from cellml.metrics.thinning import thinned_segments

pairs_of_labels = st.integers(1, 40).flatmap(
    lambda n: st.tuples(hnp.arrays(np.int64, n, elements=st.integers(0, 4)), hnp.arrays(np.int64, n, elements=st.integers(0, 4)))
)


def scores_by_looping_over_pixels(truth, prediction):
    """V_rand and V_info of flat labels: pixels with truth 0 left out, each predicted 0 a segment of its own."""
    kept = [(int(t), int(p) if p else ("line", i)) for i, (t, p) in enumerate(zip(truth, prediction, strict=True)) if t]
    n = len(kept)
    both = sum(a == b for a in kept for b in kept)
    in_prediction = sum(a[1] == b[1] for a in kept for b in kept)
    in_truth = sum(a[0] == b[0] for a in kept for b in kept)

    def entropy(items):
        shares = [items.count(item) / n for item in set(items)]
        return -sum(share * np.log2(share) for share in shares)

    h_truth, h_prediction, h_both = entropy([t for t, _ in kept]), entropy([p for _, p in kept]), entropy(kept)
    total = h_truth + h_prediction
    return 2 * both / (in_prediction + in_truth), 2 * (total - h_both) / total if total > 1e-12 else 1.0


@given(pairs_of_labels)
def test_counts_equal_the_formula_pixel_by_pixel(pair):
    truth, prediction = pair
    counts = PairCounts.from_table(ContingencyTable.from_labels(truth, prediction))
    if not (truth > 0).any():
        assert np.isnan(counts.v_rand()[0]) and np.isnan(counts.v_info()[0])
        return
    rand, information = scores_by_looping_over_pixels(truth, prediction)
    assert counts.v_rand()[0] == pytest.approx(rand)
    assert counts.v_info()[0] == pytest.approx(information, abs=1e-9)


@given(pairs_of_labels, pairs_of_labels)
def test_sections_add_up_as_segments_that_differ(one, other):
    apart = [PairCounts.from_table(ContingencyTable.from_labels(*pair)) for pair in (one, other)]
    moved = [np.where(labels > 0, labels + 10, 0) for labels in other]
    both = PairCounts.from_table(ContingencyTable.from_labels(*(np.concatenate(two) for two in zip(one, moved, strict=True))))
    together = apart[0] + apart[1]
    assert together.squares == both.squares and together.pixels == both.pixels
    assert together.v_rand() == pytest.approx(both.v_rand(), nan_ok=True)
    assert together.v_info() == pytest.approx(both.v_info(), nan_ok=True, abs=1e-9)


@given(pairs_of_labels)
def test_without_lines_the_scores_are_those_of_whole_partitions(pair):
    table = ContingencyTable.from_labels(pair[0] + 1, pair[1] + 1)
    counts = PairCounts.from_table(table)
    assert counts.v_rand()[0] == pytest.approx(rand_f_score(table))
    assert counts.v_info()[0] == pytest.approx(information_f_score(table), abs=1e-9)


def test_the_protocol_section_by_section(membrane_maps):
    probability, truth = (array[:, :18, :22] for array in membrane_maps)
    scores = membrane_scores(probability, truth, threshold=0.4)
    twins = [
        scores_by_looping_over_pixels(label(truth[z] == 0)[0].ravel(), thinned_segments(probability[z] < 0.4).ravel())
        for z in range(len(truth))
    ]
    assert scores.v_rand_section_mean == pytest.approx(np.mean([rand for rand, _ in twins]))
    assert scores.v_info == pytest.approx(np.mean([information for _, information in twins]))
    assert scores.sections == 3 and scores.pixels == (truth == 0).sum()


def test_perfect_and_thicker_membranes_score_nearly_alike(membrane_maps):
    _, truth = membrane_maps
    perfect = membrane_scores(truth, truth, threshold=0.5)
    assert min(perfect.v_rand, perfect.v_info) > 0.99
    thick = membrane_scores(gaussian_filter(truth.astype(float), (0, 1, 1)) > 0.15, truth, threshold=0.5)
    assert abs(thick.v_rand - perfect.v_rand) < 0.02


def test_a_gap_in_a_membrane_merges_and_a_wall_across_a_cell_splits():
    truth = np.zeros((1, 21, 20), np.uint8)
    truth[0, 10] = 1
    gap = truth.copy()
    gap[0, 10, 9] = 0
    merged = membrane_scores(gap, truth, threshold=0.5)
    assert (merged.v_rand_merge, merged.v_rand_split) == pytest.approx((0.5, 1.0))
    wall = truth.copy()
    wall[0, :, 10] = 1
    split = membrane_scores(wall, truth, threshold=0.5)
    assert split.v_rand_split < 0.55 < 0.99 < split.v_rand_merge and split.v_info_split < split.v_info_merge


def test_the_sweep_holds_each_threshold_and_halves_join(membrane_maps):
    probability, truth = membrane_maps
    sweep = sweep_membrane_thresholds(probability, truth, thresholds=(0.2, 0.4))
    assert [one.threshold for one in sweep] == [0.2, 0.4]
    assert sweep[1] == membrane_scores(probability, truth, threshold=0.4)
    halves = [section_counts(probability[part], truth[part], thresholds=[0.4])[0] for part in (slice(0, 1), slice(1, 3))]
    assert halves[0] + halves[1] == section_counts(probability, truth, thresholds=[0.4])[0]


def test_masked_pixels_are_not_scored(membrane_maps):
    probability, truth = membrane_maps
    mask = np.zeros(truth.shape, bool)
    mask[:2, :, :25] = True
    scores = membrane_scores(probability, truth, threshold=0.4, mask=mask)
    assert scores.sections == 2 and scores.pixels == ((truth == 0) & mask).sum()


def test_errors_say_what_is_wrong(membrane_maps):
    probability, truth = membrane_maps
    with pytest.raises(CellmlError, match=r"Truth has shape \(2, 40, 50\), the membrane map \(3, 40, 50\)"):
        membrane_scores(probability, truth[1:], threshold=0.5)
    with pytest.raises(CellmlError, match="largest value is 255"):
        membrane_scores(probability, truth * 255, threshold=0.5)
    with pytest.raises(CellmlError, match="None of the 3 sections"):
        membrane_scores(probability, np.ones_like(truth), threshold=0.5)


def test_agrees_with_the_code_of_the_challenge():
    """The numbers were computed in Java, by the watershed and the statistics of Fiji's Trainable Segmentation."""
    rng = np.random.default_rng(0)
    truth = (rng.integers(0, 3, (3, 20, 25)) == 0).astype(np.uint8).repeat(2, 1).repeat(2, 2)
    membrane = np.where(rng.integers(0, 8, truth.shape) == 0, 1 - truth, truth)
    scores = membrane_scores(membrane, truth, threshold=0.5)
    assert scores.v_rand == pytest.approx(0.9019598471265158, rel=1e-12)
    assert scores.v_info == pytest.approx(0.4388370164676813, rel=1e-12)


@pytest.mark.skipif(not os.environ.get("CELLML_DATA"), reason="CELLML_DATA names no folder with real data")
def test_true_membranes_of_the_challenge_score_one():
    with np.load(Path(os.environ["CELLML_DATA"]) / "isbi2012_z00-21.npz") as data:
        membrane = data["membrane"][:2]
    scores = membrane_scores(membrane, membrane, threshold=0.5)
    assert scores.v_rand > 0.999 and scores.v_info > 0.995
