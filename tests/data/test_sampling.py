from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cellml.data.blocks import Block, OpenBlock
from cellml.data.patches import PatchDataset
from cellml.data.sampling import AroundLabels
from cellml.errors import CellmlError

PATCH = (4, 6, 6)


@pytest.fixture
def sparse(tmp_path: Path, write_block: Callable[..., Path]) -> OpenBlock:
    """Twenty voxels of label 1 and two of label 2 in 16 × 32 × 32, one of them in a corner."""
    labels = np.zeros((16, 32, 32), np.uint8)
    labels[5, 7:11, 20:25], labels[0, 0, 0], labels[15, 31, 30] = 1, 2, 2
    return OpenBlock(Block(str(write_block(tmp_path, labels=labels)), ignore=0))


def drawn(block: OpenBlock, rule: AroundLabels, number: int = 400) -> np.ndarray:
    dataset = PatchDataset([block], PATCH, number, seed=3, sampling=rule)
    return np.stack([dataset[n]["labels"].numpy() for n in range(number)])


def test_every_patch_holds_a_label_and_no_position_in_it_is_favoured(sparse: OpenBlock) -> None:
    patches = drawn(sparse, AroundLabels(balanced=False), 1200)
    assert (patches > 0).any(axis=(1, 2, 3)).all()
    ones = np.argwhere(patches == 1)
    depth = np.bincount(ones[:, 1], minlength=4) / len(ones)
    assert depth == pytest.approx([0.25] * 4, abs=0.06), "a section lies as often at the border of a patch as in its middle"


def test_labels_are_drawn_by_their_voxels_or_all_alike(sparse: OpenBlock) -> None:
    rare = [(drawn(sparse, AroundLabels(balanced=balanced)) == 2).any(axis=(1, 2, 3)).mean() for balanced in (False, True)]
    assert rare[0] == pytest.approx(2 / 22, abs=0.05) and rare[1] == pytest.approx(0.5, abs=0.08)


def test_the_rest_comes_from_anywhere(sparse: OpenBlock) -> None:
    found = (drawn(sparse, AroundLabels(share=0.3)) > 0).any(axis=(1, 2, 3)).mean()
    anywhere = (drawn(sparse, AroundLabels(share=1e-9)) > 0).any(axis=(1, 2, 3)).mean()
    assert anywhere < 0.3 and found == pytest.approx(0.3 + 0.7 * anywhere, abs=0.08)


def test_two_blocks_are_drawn_by_their_labelled_voxels(phantom_file: Path) -> None:
    blocks = [OpenBlock(Block(str(phantom_file), region={"z": [0, 20]}, labelled_sections=s)) for s in ([3], [4, 7, 9])]
    places = AroundLabels(balanced=False).prepare(blocks, PATCH)
    rng = np.random.default_rng(0)
    assert np.mean([places.draw(rng)[0] for _ in range(2000)]) == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize("most", [1, 7, 10**6])
def test_the_voxels_that_are_remembered_are_a_fair_choice(phantom_file: Path, most: int) -> None:
    block = OpenBlock(Block(str(phantom_file)))
    places = AroundLabels(most=most, balanced=False).prepare([block], PATCH)
    labels = block.read_labels().reshape(-1)
    for _, label, count, positions in places.groups:
        assert count == (labels == label).sum() and len(np.unique(positions)) == min(most, count) and (labels[positions] == label).all()


def test_voxels_of_all_depths_are_remembered_as_often(tmp_path: Path, write_block: Callable[..., Path]) -> None:
    """Slabs of 16 sections are read one after the other; the last, shorter one must weigh by its voxels."""
    block = OpenBlock(Block(str(write_block(tmp_path, labels=np.ones((36, 16, 16), np.uint8)))))
    ((_, _, _, positions),) = AroundLabels(most=2000).prepare([block], PATCH).groups
    assert np.mean(positions >= 32 * 256) == pytest.approx(4 / 36, abs=0.03)


def test_nothing_to_draw_around_is_refused(phantom_file: Path) -> None:
    block = OpenBlock(Block(str(phantom_file), labelled_sections=[]))
    with pytest.raises(CellmlError, match=r"None of the 1 training block"):
        AroundLabels().prepare([block], PATCH)


@pytest.mark.parametrize("wrong", [{"share": 0}, {"share": 1.1}, {"most": 0}])
def test_shares_and_numbers_that_mean_nothing_are_refused(wrong: dict) -> None:
    with pytest.raises(CellmlError, match="share must lie in"):
        AroundLabels(**wrong)
