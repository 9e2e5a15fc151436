from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cellml.data.blocks import Block, OpenBlock
from cellml.data.class_check import check_classes, count_labels
from cellml.errors import CellmlError


@pytest.fixture
def block(tmp_path: Path, write_block: Callable[..., Path]) -> Callable[..., OpenBlock]:
    def make(name: str, *counts: int, **fields: int) -> OpenBlock:
        labels = np.repeat(np.arange(len(counts)), counts).astype(np.uint8)
        return OpenBlock(Block(str(write_block(tmp_path, name=name, labels=labels.reshape(-1, 16, 16))), **fields))

    return make


def test_labels_without_a_name_are_refused_with_values_and_counts(block: Callable[..., OpenBlock]) -> None:
    with pytest.raises(
        CellmlError, match=r"b.npz hold value 2 \(100 voxels\), value 3 \(56 voxels\), and the classes are 0 background, 1 mito"
    ):
        check_classes([block("a", 200, 56)], [block("b", 50, 50, 100, 56)], ["background", "mito"])


def test_ignored_numbers_need_no_name(block: Callable[..., OpenBlock]) -> None:
    one = block("a", 200, 50, 6, ignore=2)
    check_classes([one], [one], ["background", "mito"])
    assert count_labels(one) == {0: 200, 1: 50}


@pytest.mark.parametrize("where", ["training", "validation"])
def test_a_class_without_a_voxel_is_warned_of(where: str, block: Callable[..., OpenBlock], caplog: pytest.LogCaptureFixture) -> None:
    full, poor = block("full", 100, 100, 56), block("poor", 200, 56)
    with caplog.at_level(logging.WARNING):
        check_classes([poor if where == "training" else full], [poor if where == "validation" else full], ["background", "mito", "synapse"])
    (record,) = caplog.records
    assert f"Class 2 (synapse) has no voxel in the {where} labels" in record.getMessage()
    assert ("left out of the means" in record.getMessage()) == (where == "validation")


def test_without_validation_blocks_there_is_nothing_to_warn_of(block: Callable[..., OpenBlock], caplog: pytest.LogCaptureFixture) -> None:
    check_classes([block("a", 200, 56)], [], ["background", "mito"])
    assert not caplog.records
