from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.data.blocks import Block, OpenBlock
from cellml.data.labelled import UNLABELLED, LabelRules, box_of, say_counts
from cellml.errors import CellmlError

Write = Callable[..., Path]
SHAPE = (6, 7, 8)


def span(size: int) -> st.SearchStrategy[list[int]]:
    return st.tuples(st.integers(0, size - 1), st.integers(1, size)).map(lambda p: [p[0], max(p[0] + 1, p[1])])


BOX = st.fixed_dictionaries({}, optional={axis: span(n) for axis, n in zip("zyx", SHAPE, strict=True)})


@settings(max_examples=40, deadline=None)
@given(BOX, st.lists(st.integers(0, 5), max_size=3), st.lists(BOX, max_size=2), st.integers(0, 3))
def test_what_counts_agrees_with_the_slow_twin(region: Any, sections: list[int], boxes: Any, ignore: int) -> None:
    labels = np.random.default_rng(0).integers(0, 4, SHAPE)
    block = Block("raw", ignore=ignore, labelled_sections=sections, labelled=boxes)
    box = box_of(region, SHAPE, "raw")
    found = LabelRules.of_block(block, SHAPE).apply(labels[box], box, "labels")
    for index, value in np.ndenumerate(found):
        voxel = [i + b.start for i, b in zip(index, box, strict=True)]
        inside = voxel[0] in sections or any(
            all(b.start <= v < b.stop for v, b in zip(voxel, box_of(one, SHAPE, "raw"), strict=True)) for one in boxes
        )
        given_label = labels[tuple(voxel)]
        assert value == (given_label if inside and given_label != ignore else UNLABELLED)


def test_numbers_of_the_file_become_class_numbers_and_ignored_ones_need_no_name() -> None:
    rules = LabelRules.of_block(Block("raw", ignore=9, values={1: 0, 2: 1}), (1, 1, 4))
    whole = (slice(0, 1), slice(0, 1), slice(0, 4))
    assert rules.apply(np.array([[[1, 2, 9, 1]]], np.uint8), whole, "labels").tolist() == [[[0, 1, UNLABELLED, 0]]]
    with pytest.raises(CellmlError, match=r"labels holds value 5 \(1 voxel\), value 7 \(2 voxels\), which data.values .* does not name"):
        rules.apply(np.array([[[1, 7, 5, 7]]], np.uint8), whole, "labels")


def test_a_scribble_file_reads_as_unlabelled_where_nobody_drew(tmp_path: Path, write_block: Write) -> None:
    labels = np.zeros((16, 16, 16), np.uint8)
    labels[2, 3:6, 4], labels[5, 5, 5] = 1, 2
    block = OpenBlock(Block(str(write_block(tmp_path, labels=labels)), ignore=0, values={1: 0, 2: 1}))
    found = block.read_labels()
    assert (found == UNLABELLED).sum() == 16**3 - 4 and (found == 0).sum() == 3 and found[5, 5, 5] == 1
    assert np.array_equal(block.known(found), labels > 0)


def test_sections_count_in_the_frame_of_the_volume(phantom_file: Path) -> None:
    block = OpenBlock(Block(str(phantom_file), region={"z": [8, 20]}, labelled_sections=[9, 15, 30]))
    known = block.known(block.read_labels())
    assert known.all(axis=(1, 2)).tolist() == [z in (9, 15) for z in range(8, 20)] and known.any(axis=(1, 2)).sum() == 2


@pytest.mark.parametrize("sparse", [{"labelled_sections": [40]}, {"labelled": [{"y": [0, 33]}]}, {"labelled": [{"t": [0, 1]}]}])
def test_sections_and_boxes_outside_the_volume_are_refused(phantom_file: Path, sparse: dict) -> None:
    with pytest.raises(CellmlError, match="labelled: "):
        OpenBlock(Block(str(phantom_file), **sparse))


def test_labels_that_lie_only_in_the_guard_band_are_said_to_lie_there(tmp_path: Path, write_block: Write) -> None:
    labels = np.zeros((40, 16, 16), np.uint8)
    labels[21:23, 4:9, 3:5] = 1
    path = str(write_block(tmp_path, labels=labels))
    with pytest.raises(CellmlError, match="Its labels lie in z 21–23, y 4–9, x 3–5, outside of this region .in the guard band"):
        OpenBlock(Block(path, region={"z": [0, 20]}))
    labels[:] = 1
    dense = str(write_block(tmp_path, name="dense", labels=labels))
    with pytest.raises(CellmlError, match=r"outside the 2 box.* that count as labelled. Its labels lie in z 20–24, y 0–16, x 0–16"):
        OpenBlock(Block(dense, region={"z": [0, 20]}, labelled_sections=[20, 23]))


def test_a_block_in_which_nothing_counts_waits_for_predictions(phantom_file: Path) -> None:
    block = OpenBlock(Block(str(phantom_file), region={"z": [0, 8]}, labelled_sections=[]))
    assert (block.read_labels() == UNLABELLED).all()
    with pytest.raises(CellmlError, match=r"\(8, 32, 32\) voxels .* but the labels to fill in have \(8, 32, 31\)"):
        block.fill(np.zeros((8, 32, 31), int))


def test_predictions_fill_what_nobody_labelled_and_nothing_else(phantom_file: Path) -> None:
    block = OpenBlock(Block(str(phantom_file), region={"z": [4, 12]}, labelled_sections=[5]))
    own, filling = block.read_labels(), np.random.default_rng(0).integers(-1, 3, (8, 32, 32))
    block.fill(filling)
    region = (slice(0, 4), slice(3, 9), slice(2, 30))
    assert np.array_equal(block.read_labels(region), np.where(own == UNLABELLED, filling, own)[region])


def test_images_without_labels_need_none(tmp_path: Path) -> None:
    np.savez(tmp_path / "raw.npz", raw=np.random.default_rng(0).integers(0, 255, (8, 9, 10)).astype(np.uint8), voxel_nm=[10.0] * 3)
    block = OpenBlock(Block(str(tmp_path / "raw.npz")), need_labels=False)
    assert (
        block.read_labels().shape == (8, 9, 10) and (block.read_labels() == UNLABELLED).all() and block.read_image().shape == (1, 8, 9, 10)
    )


def test_counts_in_words() -> None:
    assert say_counts({3: 1, 4: 12345}) == "value 3 (1 voxel), value 4 (12,345 voxels)"
    assert say_counts(dict.fromkeys(range(9), 2), most=2) == "value 0 (2 voxels), value 1 (2 voxels) and 7 more"


def test_several_numbers_may_stand_for_unlabelled_voxels() -> None:
    labels = np.array([[[0, 1, 3, 255]]])
    rules = LabelRules.of_block(Block("raw", ignore=[3, 255]), labels.shape)
    np.testing.assert_array_equal(rules.apply(labels, box_of({}, labels.shape, "raw"), "labels"), [[[0, 1, UNLABELLED, UNLABELLED]]])
    assert LabelRules.of_block(Block("raw", ignore=3), labels.shape).ignore == (3,)
