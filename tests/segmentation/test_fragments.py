from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.partition import variation_of_information
from cellml.segmentation.fragments import DistanceFragments, boundary_distance, check_affinities, voxel_affinity
from cellml.segmentation.neighbourhood import NEAREST, affinities_from_labels


def test_fragments_hardly_cross_objects(synthetic):
    truth = synthetic.cells()
    fragments = DistanceFragments()(synthetic.blurred_affinities(truth), synthetic.LONG)
    assert fragments.min() == 1
    split, merge = variation_of_information(ContingencyTable.from_labels(truth, fragments))
    assert merge < 0.15 < split


@pytest.mark.parametrize("noise", [0.0, 0.15])
def test_sharp_affinities_give_fragments_that_never_cross_objects(synthetic, noise):
    truth = synthetic.cells(count=40)  # small cells beside large ones
    affinities, mask = affinities_from_labels(truth, synthetic.LONG)
    affinities = np.where(mask, affinities, 1) + noise * np.random.default_rng(0).uniform(-1, 1, affinities.shape)
    fragments = DistanceFragments()(np.clip(affinities, 0, 1), synthetic.LONG)
    _, merge = variation_of_information(ContingencyTable.from_labels(truth, fragments))
    assert merge < 0.01


def test_smoothing_makes_fewer_fragments(synthetic):
    affinities = synthetic.blurred_affinities(synthetic.cells())
    assert DistanceFragments(sigma=2.0)(affinities, synthetic.LONG).max() < DistanceFragments(sigma=0.5)(affinities, synthetic.LONG).max()


def test_sections_are_kept_apart_per_slice(synthetic):
    fragments = DistanceFragments(per_slice=True)(synthetic.blurred_affinities(synthetic.cells()), synthetic.LONG)
    sections = [set(np.unique(section).tolist()) for section in fragments]
    assert sum(map(len, sections)) == len(set.union(*sections))


def test_background_and_mask_stay_zero():
    labels = np.zeros((10, 12, 12), np.uint8)
    labels[2:8, 2:10, 2:10] = 1
    affinities, _ = affinities_from_labels(labels, NEAREST)
    fragments = DistanceFragments(background_below=0.3)(affinities, NEAREST)
    np.testing.assert_array_equal(fragments > 0, labels > 0)
    mask = np.zeros(labels.shape, bool)
    mask[:5] = True
    np.testing.assert_array_equal(DistanceFragments(background_below=0.3)(affinities, NEAREST, mask) > 0, (labels > 0) & mask)


def test_voxel_affinity_is_the_smallest_over_axes_of_the_mean_over_both_sides():
    affinities = np.random.default_rng(0).random((3, 3, 4, 5)).astype(np.float32)
    inside = voxel_affinity(affinities)
    z, y, x = 1, 0, 4
    axes = [affinities[0, [z, z + 1], y, x].mean(), affinities[1, z, y + 1, x], affinities[2, z, y, x]]
    assert inside[z, y, x] == pytest.approx(min(axes))
    assert voxel_affinity(affinities[:, :1, :1, :1]).tolist() == [[[1.0]]]


def test_a_boundary_of_a_single_cut_is_seen():
    affinities = np.ones((3, 5, 5, 6), np.float32)
    affinities[2, :, :, 3] = 0.0
    assert (voxel_affinity(affinities)[2, 2] <= 0.5).tolist() == [False, False, True, True, False, False]


def test_distance_knows_the_voxel_size():
    inside = np.ones((5, 5, 5), np.float32)
    inside[0] = 0.5
    distance = boundary_distance(inside, 0.5, (4.0, 1.0, 1.0))
    np.testing.assert_allclose(distance[:, 2, 2], [0, 4, 8, 12, 16])
    assert not boundary_distance(np.ones((2, 2, 2), np.float32), 0.5, (1, 1, 1)).any()
    assert not boundary_distance(inside, 0.5, (4.0, 1.0, 1.0), per_slice=True).any()


def test_input_is_checked():
    good = np.full((3, 2, 2, 2), 0.5, np.float32)
    check_affinities(good, NEAREST)
    with pytest.raises(CellmlError, match=r"\(K, Z, Y, X\)"):
        check_affinities(good[0], NEAREST)
    with pytest.raises(CellmlError, match="apply a sigmoid"):
        check_affinities(good * 4, NEAREST)
    with pytest.raises(CellmlError, match="finite"):
        check_affinities(np.where(np.arange(2) > 0, np.nan, good), NEAREST)
    with pytest.raises(CellmlError, match="no voxels"):
        check_affinities(good[:, :0], NEAREST)
    with pytest.raises(CellmlError, match=r"mask has shape \(3, 2, 2\)"):
        check_affinities(good, NEAREST, np.ones((3, 2, 2), bool))
