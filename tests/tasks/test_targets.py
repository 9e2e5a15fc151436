from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from cellml.errors import CellmlError
from cellml.tasks.targets import AffinityTarget, BoundaryTarget, SemanticTarget

NEAREST = [(-1, 0, 0), (0, -1, 0), (0, 0, -1)]


def random_labels(seed: int = 0, most: int = 4) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, most, (2, 4, 5, 6)))


def test_affinities_agree_with_the_slow_twin() -> None:
    labels, offsets = random_labels(), [*NEAREST, (-2, 0, 1)]
    target, mask = AffinityTarget(offsets, ignore=3)(labels)
    for b, k, *v in product(range(2), range(4), range(4), range(5), range(6)):
        w = [a + o for a, o in zip(v, offsets[k], strict=True)]
        inside = all(0 <= a < n for a, n in zip(w, labels.shape[1:], strict=True))
        here, there = int(labels[(b, *v)]), int(labels[(b, *w)]) if inside else -1
        assert bool(mask[(b, k, *v)]) == (inside and 3 not in (here, there))
        assert bool(target[(b, k, *v)]) == bool(mask[(b, k, *v)] and here == there != 0)


def test_offsets_must_begin_with_the_nearest_neighbours() -> None:
    with pytest.raises(CellmlError, match="first three offsets"):
        AffinityTarget([(0, 0, -1), *NEAREST])


@pytest.mark.parametrize("shift", [0, 2**40])
def test_boundaries_agree_with_the_slow_twin(shift: int) -> None:
    """Labels as large as those of whole-brain segmentations differ by one and must not be rounded together."""
    labels = random_labels(1, most=3)
    labels = torch.where(labels > 0, labels + shift, 0)
    target, mask = BoundaryTarget(ignore=2 + shift)(labels)
    for b, *v in product(range(2), range(4), range(5), range(6)):
        here = int(labels[(b, *v)])
        assert bool(mask[(b, 0, *v)]) == (here != 2 + shift)
        border = here == 0
        for axis, step in product(range(3), (-1, 1)):
            w = [a + (step if i == axis else 0) for i, a in enumerate(v)]
            if 0 <= w[axis] < labels.shape[1 + axis]:
                border |= int(labels[(b, *w)]) not in (here, 2 + shift) and here != 2 + shift
        assert bool(target[(b, 0, *v)]) == border


def test_boundary_probabilities_become_affinities_of_nearest_neighbours() -> None:
    boundary = np.random.default_rng(0).random((1, 3, 4, 5), np.float32)
    affinities, offsets = BoundaryTarget().pairs(boundary)
    assert list(offsets) == NEAREST
    assert affinities[2, 1, 2, 3] == pytest.approx(1 - max(boundary[0, 1, 2, 3], boundary[0, 1, 2, 2]))


def test_classes_are_one_hot_and_ignored_voxels_masked() -> None:
    labels = random_labels(2, most=3)
    labels[0, 0, 0, 0] = 255
    target, mask = SemanticTarget(["background", "a", "b"], ignore=255)(labels)
    assert target.shape == (2, 3, 4, 5, 6) and mask.shape == (2, 1, 4, 5, 6)
    assert torch.equal(mask[:, 0], labels != 255)
    assert torch.equal(target.argmax(1)[mask[:, 0]], labels[mask[:, 0]])


@pytest.mark.parametrize("target", [AffinityTarget(NEAREST), BoundaryTarget(), SemanticTarget(["a", "b", "c"])])
def test_negative_labels_are_masked_as_an_ignored_number_is(target: Any) -> None:
    labels = random_labels(3, most=3)
    hidden = torch.rand(labels.shape, generator=torch.Generator().manual_seed(0)) < 0.3
    answer, mask = target(torch.where(hidden, -1, labels))
    target.ignore = 2**40
    twin, known = target(torch.where(hidden, 2**40, labels))
    assert torch.equal(answer, twin) and torch.equal(mask, known) and not mask.all()


def test_a_class_number_without_a_name_is_refused() -> None:
    with pytest.raises(CellmlError, match="hold class 3, but the classes are 0 to 1"):
        SemanticTarget(["background", "a"])(torch.full((1, 2, 2, 2), 3))
    with pytest.raises(CellmlError, match="at least one class"):
        SemanticTarget(["background"])


def test_decoded_objects_are_numbered_without_gaps_in_their_order() -> None:
    import numpy as np

    from cellml.tasks.segmentation import _consecutive

    labels = np.array([[[0, 9, 4], [4, 9, 100]]], np.uint32)
    assert _consecutive(labels).tolist() == [[[0, 2, 1], [1, 2, 3]]] and _consecutive(labels).dtype == np.uint32


def test_objects_of_different_blocks_are_different_objects() -> None:
    from cellml.tasks.segmentation import _after

    labels = np.array([[0, 1], [2, -1]], np.int32)
    assert _after(labels, np.array([0, 5, 3])).tolist() == [[0, 6], [7, -1]] and _after(labels, np.zeros(0, np.int64)) is labels
