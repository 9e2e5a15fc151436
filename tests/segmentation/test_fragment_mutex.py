from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.partition import partition_scores
from cellml.segmentation.fragment_mutex import FragmentMutexWatershed
from cellml.segmentation.neighbourhood import NEAREST


def test_finds_cells_in_noise(synthetic):
    truth = synthetic.cells()
    scores = partition_scores(
        ContingencyTable.from_labels(truth, FragmentMutexWatershed(min_size=50)(synthetic.blurred_affinities(truth), synthetic.LONG))
    )
    assert scores.adapted_rand_error < 0.1


def test_repulsion_over_a_distance_overrules_a_weaker_contact(synthetic):
    fragments = np.repeat([1, 2, 3], 4).astype(np.uint32).reshape(1, 1, 12)
    affinities = np.full((4, 1, 1, 12), 0.8, np.float32)
    offsets = (*NEAREST, (0, 0, -6))
    decoder = FragmentMutexWatershed(near_bias=0.5, far_bias=0.5, stride=1, min_contact=1, min_size=0)
    assert len(np.unique(decoder.cluster(affinities, fragments, offsets))) == 1
    affinities[2, 0, 0, 4] = 0.9  # the contact of 1 and 2; that of 2 and 3 stays at 0.8
    affinities[3, 0, 0, 8:10] = 0.0  # 1 and 3 lie 6 voxels apart and exclude each other
    clusters = decoder.cluster(affinities, fragments, offsets)
    assert synthetic.same_partition(clusters, np.where(fragments == 3, 2, 1))


def test_needs_long_range_offsets():
    with pytest.raises(CellmlError, match="long-range"):
        FragmentMutexWatershed()(np.full((3, 4, 4, 4), 0.9, np.float32), NEAREST)
