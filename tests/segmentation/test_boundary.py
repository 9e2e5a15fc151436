from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.partition import partition_scores
from cellml.segmentation.boundary import affinities_from_boundary, decode_boundary
from cellml.segmentation.fragments import DistanceFragments, check_affinities
from cellml.segmentation.neighbourhood import NEAREST
from cellml.segmentation.watershed import Watershed
from cellml.segmentation.waterz_agglomeration import WaterzAgglomeration


def boundary_of(labels):
    edges = np.zeros(labels.shape, bool)
    for axis in range(3):
        change = np.diff(labels, axis=axis) != 0
        here = [slice(None)] * 3
        for part in (slice(1, None), slice(None, -1)):
            here[axis] = part
            edges[tuple(here)] |= change
    return np.clip(1.5 * gaussian_filter(edges.astype(np.float32), 0.7), 0, 1)


def test_a_pair_is_apart_if_either_voxel_is_boundary():
    affinities = affinities_from_boundary(np.array([0.0, 0.9, 0.2], np.float32).reshape(1, 1, 3))
    np.testing.assert_allclose(affinities[2].ravel(), [0, 0.1, 0.1], atol=1e-6)
    assert not affinities[:2].any()


@pytest.mark.parametrize("decoder", [Watershed(seed_distance=1.0), WaterzAgglomeration(fragments=DistanceFragments(threshold=0.5))])
def test_any_decoder_finds_the_cells_between_boundaries(synthetic, decoder):
    truth = synthetic.cells()
    scores = partition_scores(ContingencyTable.from_labels(truth, decode_boundary(boundary_of(truth), decoder)))
    assert scores.adapted_rand_error < 0.1


def test_input_is_checked():
    with pytest.raises(CellmlError, match=r"\(Z, Y, X\), got shape \(4, 4\)"):
        affinities_from_boundary(np.zeros((4, 4)))
    with pytest.raises(CellmlError, match=r"from 0\.0 to 255\.0"):
        affinities_from_boundary(np.array([0.0, 255.0]).reshape(1, 1, 2))


def test_what_blending_adds_to_one_is_rounding_and_more_is_not() -> None:
    boundary = np.full((2, 3, 4), 1.0000001, np.float32)
    affinities = affinities_from_boundary(boundary)
    assert affinities.min() == affinities.max() == 0
    check_affinities(np.full((3, 2, 2, 2), 1.0000001, np.float32), NEAREST)
    with pytest.raises(CellmlError, match="must lie in"):
        affinities_from_boundary(boundary + 0.001)
