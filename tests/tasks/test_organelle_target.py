from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.tasks.organelle_target import OrganelleTarget

SPACING = (40.0, 10.0, 10.0)


def blob_labels(seed: int = 0) -> np.ndarray:
    """Two boxes of different number that touch, and one apart, in a volume of 5 × 9 × 12 voxels."""
    labels = np.zeros((5, 9, 12), np.int64)
    labels[1:4, 2:6, 2:5], labels[1:4, 2:6, 5:8], labels[2, 6:8, 9:12] = 1, 2, 3
    return labels


def centre_distance(labels: np.ndarray, voxel: tuple[int, ...], spacing: tuple[float, ...], components: bool) -> float:
    """The slow twin: signed distance in nm to the surface, half a pixel before the nearest voxel of the other kind."""
    here, best = labels[voxel], np.inf
    for other in product(*map(range, labels.shape)):
        there = labels[other]
        differs = (there > 0) != (here > 0)
        if differs:
            best = min(best, float(np.linalg.norm((np.array(other) - voxel) * spacing)))
    half = 0.5 * min(spacing[1:])
    return best - half if here > 0 else half - best


def test_maps_of_a_mask_agree_with_the_slow_twin() -> None:
    labels = blob_labels()
    target, mask = OrganelleTarget(SPACING, distance_scale=30.0)(torch.from_numpy(labels)[None])
    assert target.shape == mask.shape == (1, 3, 5, 9, 12) and mask[:, :2].all()
    assert np.array_equal(target[0, 0].numpy() > 0, labels > 0)
    for voxel in [(2, 3, 4), (2, 3, 5), (1, 2, 2), (0, 0, 0), (2, 7, 10), (4, 4, 4), (2, 5, 8)]:
        d = centre_distance(labels, voxel, SPACING, True)
        assert target[(0, 2, *voxel)] == pytest.approx(0.5 * (1 + np.tanh(d / 30.0)), abs=1e-6), voxel
        around = [tuple(np.add(voxel, s)) for axis in range(3) for s in (np.eye(3, dtype=int)[axis], -np.eye(3, dtype=int)[axis])]
        inside = [a for a in around if all(0 <= i < n for i, n in zip(a, labels.shape, strict=True))]
        assert bool(target[(0, 1, *voxel)]) == any((labels[a] > 0) != (labels[voxel] > 0) for a in inside), voxel


def test_objects_that_touch_have_a_boundary_between_them_and_no_depth_at_it() -> None:
    labels = torch.from_numpy(blob_labels())[None]
    apart, _ = OrganelleTarget(SPACING, 30.0, components=False)(labels)
    joined, _ = OrganelleTarget(SPACING, 30.0)(labels)
    assert apart[0, 1, 2, 3, 4] and apart[0, 1, 2, 3, 5] and not joined[0, 1, 2, 3, 4]
    assert apart[0, 2, 2, 3, 4] < joined[0, 2, 2, 3, 4] and apart[0, 2, 2, 3, 4] > 0.5


def test_a_distance_is_masked_where_what_lies_beyond_the_patch_could_shorten_it() -> None:
    """Each certain distance of a crop is that of the whole volume."""
    rng = np.random.default_rng(0)
    labels = (rng.random((6, 24, 24)) > 0.97).astype(np.int64)
    make = OrganelleTarget(SPACING, distance_scale=20.0)
    whole, _ = make(torch.from_numpy(labels)[None])
    crop, mask = make(torch.from_numpy(labels[1:5, 4:20, 4:20].copy())[None])
    certain = mask[0, 2]
    assert 0.3 < certain.float().mean() < 1.0
    np.testing.assert_allclose(crop[0, 2][certain], whole[0, 2, 1:5, 4:20, 4:20][certain], atol=6e-3)


def test_within_sections_nothing_crosses_them() -> None:
    labels = np.zeros((3, 8, 8), np.int64)
    labels[1] = 1
    labels[0, 2:6, 2:6] = 1
    target, _ = OrganelleTarget(SPACING, 30.0, per_section=True)(torch.from_numpy(labels)[None])
    assert not target[0, 1, 1].any() and target[0, 2, 1].min() == 1.0 and target[0, 2, 2].max() == 0.0
    assert target[0, 2, 0, 3, 3] == pytest.approx(0.5 * (1 + np.tanh(15 / 30)))


def test_unlabelled_voxels_are_masked_and_make_no_border() -> None:
    labels = torch.zeros(1, 2, 6, 6, dtype=torch.int64)
    labels[:, :, :, :3], labels[:, :, :, 3] = 1, -1
    target, mask = OrganelleTarget(SPACING, 30.0)(labels)
    assert not mask[..., 3].any() and mask[0, :2, ..., :3].all() and not target[0, 1].any()
    other, same = OrganelleTarget(SPACING, 30.0, ignore=9)(torch.where(labels < 0, 9, labels))
    assert torch.equal(target[mask], other[same]) and torch.equal(mask, same)


def test_true_objects_are_components_or_the_numbers_themselves() -> None:
    labels = blob_labels()
    assert len(np.unique(OrganelleTarget().objects(labels))) == 3  # two that touch are one
    assert np.array_equal(OrganelleTarget(components=False, ignore=3).objects(labels), np.where(labels == 3, 0, labels))


def test_scores_count_objects() -> None:
    truth = np.array([1, 1, 1, 1, 2, 2, 2, 2, 0, 0])
    found = np.array([5, 5, 5, 0, 6, 7, 7, 0, 8, 0])
    table = ContingencyTable.from_labels(truth, found)
    scores, target = OrganelleTarget().scores(table), OrganelleTarget()
    assert scores["ap50"] == pytest.approx(2 / 4) and scores["f1"] == pytest.approx(4 / 6) and scores["iou"] == pytest.approx(6 / 9)
    assert target.cost(table) == pytest.approx(1 - (0.75 + 0.5) / 3)
    assert target.cost(ContingencyTable.from_labels(truth * 0, found * 0)) == 1.0


def test_spacing_and_scale_are_checked() -> None:
    with pytest.raises(CellmlError, match="positive spacings"):
        OrganelleTarget(distance_scale=0.0)
