from __future__ import annotations

import numpy as np
import pytest
import torch

from cellml.errors import CellmlError
from cellml.segmentation.organelle_watershed import OrganelleWatershed


@pytest.fixture(scope="module")
def touching():
    """Two balls that touch, and the maps that a perfect network would give, with a boundary where they meet."""
    from cellml.tasks.organelle_target import OrganelleTarget

    z, y, x = np.indices((20, 24, 40))
    labels = np.zeros(z.shape, np.int64)
    labels[(z - 10) ** 2 + (y - 12) ** 2 + (x - 12) ** 2 < 64] = 1
    labels[((z - 10) ** 2 + (y - 12) ** 2 + (x - 27) ** 2 < 64) & (labels == 0)] = 2
    target, _ = OrganelleTarget((1, 1, 1), distance_scale=4.0, components=False)(torch.from_numpy(labels)[None])
    return labels, target[0].numpy()


def test_objects_that_touch_come_apart_and_fill_the_foreground(touching) -> None:
    labels, maps = touching
    found = OrganelleWatershed()(maps)
    assert np.array_equal(found > 0, labels > 0) and len(np.unique(found)) == 3
    overlap = [(found[labels == k] == np.bincount(found[labels == k]).argmax()).mean() for k in (1, 2)]
    assert min(overlap) > 0.98


def test_without_boundary_and_distance_they_are_one(touching) -> None:
    maps = touching[1]
    assert len(np.unique(OrganelleWatershed(seed_distance=0.5, seed_boundary=1.0)(np.stack([maps[0], maps[1] * 0, maps[0]])))) == 2


def test_a_thin_organelle_without_a_deep_core_is_kept_whole() -> None:
    maps = np.zeros((3, 4, 20, 30), np.float32)
    maps[0, 1, 8:10, 3:28], maps[1, 1, 7:11, 2:29], maps[2, 1, 8:10, 3:28] = 0.9, 0.9, 0.55
    found = OrganelleWatershed(min_size=10)(maps)
    assert np.array_equal(found > 0, maps[0] > 0) and found.max() == 1
    assert not OrganelleWatershed(min_size=100)(maps).any()


def test_the_mask_is_kept(touching) -> None:
    mask = np.zeros((20, 24, 40), bool)
    mask[:, :, :20] = True
    found = OrganelleWatershed(min_size=1)(touching[1], (), mask)
    assert not found[~mask].any() and found.any()


def test_other_inputs_and_thresholds_are_refused(synthetic) -> None:
    affinities = synthetic.blurred_affinities(synthetic.cells())
    with pytest.raises(CellmlError, match=r"reads three maps .* with 9 offsets; train with task=organelles"):
        OrganelleWatershed()(affinities, synthetic.LONG)
    with pytest.raises(CellmlError, match=r"lie in \[0, 1\]"):
        OrganelleWatershed(seed_distance=2.0)
