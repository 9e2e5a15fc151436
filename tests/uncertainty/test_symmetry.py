from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from cellml.segmentation.affinities import affinity_targets
from cellml.uncertainty.symmetry import Symmetry, allowed_symmetries, channel_map, reach, restore

NEAR = [(-1, 0, 0), (0, -1, 0), (0, 0, -1)]
FAR = [*NEAR, (-2, 0, 0), (0, -3, 0), (0, 0, -3)]
DIAGONAL = [*NEAR, (0, -2, -2)]


def test_the_groups_of_isotropic_and_sectioned_voxels() -> None:
    cube = allowed_symmetries((10, 10, 10))
    sections = allowed_symmetries((40, 8, 8))
    assert (len(cube), len(sections), len(allowed_symmetries((40, 8, 6)))) == (48, 16, 8)
    assert cube[0] == sections[0] == Symmetry()
    assert len(set(cube)) == 48 and set(sections) <= set(cube)
    assert all(s.axes == (0, 1, 2) for s in cube[:8])  # flips before rotations
    assert all(s.axes[0] == 0 for s in sections)
    assert len(allowed_symmetries((10, 10, 10), multiple=(2, 4, 4))) == 16


@pytest.mark.parametrize("symmetry", allowed_symmetries((1, 1, 1)))
def test_undo_inverts_apply_and_moves_steps_with_the_voxels(symmetry: Symmetry) -> None:
    values = torch.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    moved = symmetry.apply(values)
    assert torch.equal(symmetry.undo(moved), values)
    step = (1, 0, 1)
    at = [1, 1, 1] if min(moved.shape[1:]) > 2 else [0, 0, 0]
    here, there = moved[0, at[0], at[1], at[2]], moved[0, at[0] + 1, at[1], at[2] + 1]
    places = [np.array(np.unravel_index(int(v), (3, 4, 5))) for v in (here, there)]
    assert tuple(places[1] - places[0]) == symmetry.original(step)


def test_offsets_that_a_rotation_does_not_map_onto_themselves_forbid_it() -> None:
    assert len(allowed_symmetries((1, 1, 1), offsets=NEAR)) == 48
    assert len(allowed_symmetries((1, 1, 1), offsets=FAR)) == 16  # steps of 2 along z, 3 along y and x
    flip_x = Symmetry(flips=(False, False, True))
    assert channel_map(flip_x, DIAGONAL) is None  # (0, -2, 2) is no pair of the target
    assert flip_x not in allowed_symmetries((1, 1, 1), offsets=DIAGONAL)


@pytest.mark.parametrize("offsets", [NEAR, FAR, DIAGONAL])
def test_affinities_of_moved_labels_come_back_as_the_affinities_of_the_labels(offsets: list[tuple[int, int, int]]) -> None:
    """The true network: affinities computed from labels. Whatever way the labels lie, the restored answer is the same."""
    labels = torch.from_numpy(np.random.default_rng(0).integers(1, 4, (1, 6, 7, 8)))
    straight, known = affinity_targets(labels, offsets)
    for symmetry in allowed_symmetries((1, 1, 1), offsets=offsets):
        moved, _ = affinity_targets(symmetry.apply(labels), offsets)
        back = restore(symmetry, moved, offsets, beyond=straight)
        assert torch.equal(back[known], straight[known])
        assert torch.equal(back, straight)  # pairs that leave the volume take the value of the original frame


def test_without_the_shift_the_test_above_would_fail() -> None:
    labels = torch.from_numpy(np.random.default_rng(0).integers(1, 4, (1, 6, 7, 8)))
    straight, known = affinity_targets(labels, NEAR)
    flip = Symmetry(flips=(False, False, True))
    naive = flip.undo(affinity_targets(flip.apply(labels), NEAR)[0])
    assert (naive != straight)[known].float().mean() > 0.1


def test_reach_is_the_longest_step_along_each_axis() -> None:
    assert reach(None) == (0, 0, 0) and reach(FAR) == (2, 3, 3)


def test_restore_leaves_classes_alone() -> None:
    values: Tensor = torch.rand(1, 2, 3, 4, 5)
    for axes, flips in product([(0, 1, 2), (0, 2, 1)], [(False, True, False), (True, True, True)]):
        symmetry = Symmetry(axes, flips)
        assert torch.equal(restore(symmetry, symmetry.apply(values), None, None), values)
