from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.partition import partition_scores
from cellml.segmentation.fragments import DistanceFragments
from cellml.segmentation.lifted_multicut import LiftedMulticut
from cellml.segmentation.multicut import Multicut, cut_costs, objects_of, problem
from cellml.segmentation.multicut_solvers import ExactMulticut
from cellml.segmentation.neighbourhood import NEAREST
from cellml.segmentation.region_graph import region_graph


@pytest.fixture(scope="module")
def truth(synthetic):
    return synthetic.cells((16, 24, 24), count=5)


@pytest.fixture(scope="module")
def affinities(synthetic, truth):
    return synthetic.blurred_affinities(truth, noise=0.2)


@pytest.mark.parametrize("decoder", [Multicut(), Multicut(solver=ExactMulticut()), LiftedMulticut()])
def test_finds_cells_in_noise(synthetic, truth, affinities, decoder):
    fragments = decoder.fragments(affinities, synthetic.LONG)
    found = decoder(affinities, synthetic.LONG)
    scores = partition_scores(ContingencyTable.from_labels(truth, found))
    assert len(np.unique(fragments)) > 2 * 5 and scores.adapted_rand_error < 0.1 and scores.prediction_zero_share == 0.0


def test_costs_are_the_log_odds_of_the_contacts():
    p = np.array([0.1, 0.5, 0.9, 0.0, 1.0])
    expected = [np.log(9), 0, -np.log(9), np.log(999), -np.log(999)]
    assert cut_costs(p) == pytest.approx(expected)
    assert cut_costs(np.array([0.3]), 0.3) == pytest.approx([0])


def test_size_weights_scale_the_costs_by_the_contact():
    labels = np.zeros((1, 4, 6), np.uint32)
    labels[0, :, :3], labels[0, :, 3:] = 1, 2
    labels[0, 0, 3:] = 3
    graph = region_graph(labels, np.full((3, 1, 4, 6), 0.9), NEAREST)
    edges, plain = problem(graph, 0.5, 0.0)
    assert edges.tolist() == [[1, 2], [1, 3], [2, 3]] and plain == pytest.approx([np.log(9)] * 3)
    assert problem(graph, 0.5, 1.0)[1] / plain == pytest.approx([1, 1 / 3, 1])


@pytest.mark.parametrize("make", [Multicut, LiftedMulticut])
def test_a_smaller_bias_makes_more_objects(synthetic, affinities, make):
    counts = [len(np.unique(make(bias=bias, min_size=0)(affinities, synthetic.LONG))) for bias in (0.9, 0.5, 0.05)]
    assert counts == sorted(counts) and counts[0] < counts[2]


def test_all_contacts_decide_together_where_agglomeration_looks_at_one():
    """One weak spot in a long boundary of a ring of fragments: the cheapest cut pays for it."""
    labels = np.zeros((1, 2, 4), np.uint32)
    labels[0] = [[1, 1, 3, 3], [2, 2, 4, 4]]
    affinities = np.full((3, 1, 2, 4), 0.95, np.float32)
    affinities[2, 0, :, 2] = [0.02, 0.6]
    found = Multicut(size_weight=0.0, min_size=0).cluster(affinities, labels, NEAREST)
    assert len(np.unique(found)) == 2 and found[0, 0, 0] == found[0, 1, 0] != found[0, 0, 3]


def test_background_and_mask_stay_0(synthetic, affinities):
    mask = np.zeros((16, 24, 24), bool)
    mask[:8] = True
    found = Multicut()(affinities, synthetic.LONG, mask)
    assert not found[8:].any() and found[:8].all()
    assert objects_of(np.array([0, 0, 1]), np.array([[[0, 1, 2]]], np.uint32)).tolist() == [[[0, 1, 2]]]


def test_sections_stay_apart(synthetic, truth, affinities):
    flat = affinities.copy()
    flat[0] = 0.0
    found = Multicut(fragments=DistanceFragments(per_slice=True), min_size=0)(flat[:3], NEAREST)
    assert not any(set(np.unique(found[z])) & set(np.unique(found[z + 1])) for z in range(15))


def test_bad_parameters_are_refused(synthetic, affinities):
    for make in (lambda: Multicut(bias=0.0), lambda: LiftedMulticut(far_bias=1.0), lambda: Multicut(size_weight=-1.0)):
        with pytest.raises(CellmlError, match=r"bias in \(0, 1\)"):
            make()
    with pytest.raises(CellmlError, match="long-range offsets"):
        LiftedMulticut()(affinities[:3], NEAREST)
