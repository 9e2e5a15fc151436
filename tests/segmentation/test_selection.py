from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.cremi import cremi_score
from cellml.metrics.partition import partition_scores
from cellml.segmentation.fragment_mutex import FragmentMutexWatershed
from cellml.segmentation.fragments import DistanceFragments
from cellml.segmentation.selection import _worst_nearby, choose_parameters
from cellml.segmentation.watershed import Watershed
from cellml.segmentation.waterz_agglomeration import WaterzAgglomeration


@pytest.fixture(scope="module")
def truth(synthetic):
    return synthetic.cells((16, 24, 24), count=5)


@pytest.fixture(scope="module")
def affinities(synthetic, truth):
    return synthetic.blurred_affinities(truth, noise=0.2)


@pytest.mark.parametrize(
    ("decoder", "grid"),
    [
        (WaterzAgglomeration(), {"threshold": [0.6, 0.05, 0.3], "scoring": ["mean", "quantile_50"], "fragments.sigma": [0.5, 1.0]}),
        (FragmentMutexWatershed(), {"far_bias": [0.3, 0.6], "fragments.sigma": [1.0]}),
        (Watershed(), {"threshold": [0.4, 0.6], "seed_distance": [0.0, 1.5]}),
    ],
)
def test_every_row_is_what_its_parameters_give_and_the_best_is_chosen(synthetic, affinities, truth, decoder, grid):
    choice = choose_parameters(decoder, grid, affinities, synthetic.LONG, truth)
    assert len(choice.rows) == np.prod([len(v) for v in grid.values()])
    assert len({tuple(str(row[name]) for name in grid) for row in choice.rows}) == len(choice.rows)
    best = min(choice.rows, key=lambda row: (row["worst_nearby"], row["score"]))
    assert (choice.score, choice.parameters) == (best["score"], {name: best[name] for name in grid})
    scores = partition_scores(ContingencyTable.from_labels(truth, choice.decoder(affinities, synthetic.LONG)))
    assert cremi_score(scores) == choice.score
    (best,) = [row for row in choice.rows if all(row[name] == value for name, value in choice.parameters.items())]
    assert best["voi_sum"] == scores.voi_sum and choice.parameters.keys() == grid.keys()


def test_fragments_are_computed_once_for_each_of_their_parameters(synthetic, affinities, truth, monkeypatch):
    calls = []
    whole = DistanceFragments.__call__
    monkeypatch.setattr(DistanceFragments, "__call__", lambda self, *args: calls.append(self.sigma) or whole(self, *args))
    grid = {"threshold": [0.1, 0.3], "scoring": ["mean", "quantile_25"], "fragments.sigma": [0.5, 1.0]}
    choose_parameters(WaterzAgglomeration(), grid, affinities, synthetic.LONG, truth)
    assert calls == [0.5, 1.0]


def test_only_the_mask_is_decoded_and_scored(synthetic, affinities, truth):
    mask = np.zeros(truth.shape, bool)
    mask[:8] = True
    (row,) = choose_parameters(Watershed(), {"threshold": [0.5]}, affinities, synthetic.LONG, truth, mask=mask).rows
    assert row["voxels_scored"] == mask.sum()


def test_another_cost_can_choose(synthetic, affinities, truth):
    choice = choose_parameters(
        Watershed(),
        {"threshold": [0.4, 0.6]},
        affinities,
        synthetic.LONG,
        truth,
        cost=lambda table: -float(table.prediction_sizes[0].size),
        scores=lambda table: {"objects": float(table.prediction_sizes[0].size)},
    )
    assert choice.score == -max(row["objects"] for row in choice.rows)


def test_grid_is_checked(synthetic, affinities, truth):
    with pytest.raises(CellmlError, match="at least one value"):
        choose_parameters(Watershed(), {"threshold": []}, affinities, synthetic.LONG, truth)
    with pytest.raises(CellmlError, match="no parameter 'colour'"):
        choose_parameters(Watershed(), {"colour": [1]}, affinities, synthetic.LONG, truth)
    with pytest.raises(CellmlError, match="DistanceFragments has no parameter 'x'"):
        choose_parameters(WaterzAgglomeration(), {"fragments.x": [1]}, affinities, synthetic.LONG, truth)


def test_a_threshold_beside_a_cliff_is_not_chosen():
    line = [({"scoring": "mean", "threshold": t}, s) for t, s in ((0.4, 0.30), (0.5, 0.22), (0.6, 0.20), (0.7, 0.19), (0.8, 0.9))]
    other = [({"scoring": "median", "threshold": t}, s) for t, s in ((0.7, 0.25), (0.8, 0.24))]
    assert _worst_nearby(line + other) == [0.30, 0.30, 0.22, 0.9, 0.9, 0.25, 0.25]
    assert _worst_nearby([({"sigma": 1.0}, 0.5), ({"sigma": 2.0}, 0.7)]) == [0.5, 0.7]
