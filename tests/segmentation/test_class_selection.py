from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.segmentation.class_decoder import ClassDecoder
from cellml.segmentation.class_selection import choose_class_parameters


def block(seed: int, shift: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A foreground whose probability is too low by `shift`, and a strip that nobody labelled and that is wrong everywhere."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((2, 20, 20)) < 0.3).astype(np.int64)
    p = np.clip(0.3 * truth + 0.35 - shift + 0.03 * rng.standard_normal(truth.shape), 0.01, 0.99)
    known = np.ones(truth.shape, bool)
    known[:, :5] = False
    truth[:, :5] = 1 - truth[:, :5]
    return np.stack([1 - p, p]).astype(np.float32), truth, known


def test_finds_the_threshold_that_suits_all_blocks_together() -> None:
    grid = {"threshold": [0.1, 0.3, 0.5, 0.8], "smallest": [0, 2]}
    choice = choose_class_parameters(ClassDecoder(), grid, [block(0, 0.2), block(1, 0.2)])
    assert choice.parameters == {"threshold": 0.3, "smallest": 0} and choice.decoder == ClassDecoder(0.3)
    assert choice.scores["iou"] == 1 and len(choice.rows) == 8
    assert max(row["iou"] for row in choice.rows if row["threshold"] != 0.3) < 1


def test_counts_are_summed_over_blocks_not_averaged() -> None:
    p, truth, known = block(2, 0.2)
    halves = [(p[:, :, s], truth[:, s], known[:, s]) for s in (slice(0, 6), slice(6, 20))]
    whole, parts = (choose_class_parameters(ClassDecoder(), {"threshold": [0.1, 0.4]}, b).rows for b in ([(p, truth, known)], halves))
    assert [r["iou"] for r in whole] == [r["iou"] for r in parts]


@pytest.mark.parametrize("grid", [{}, {"threshold": []}, {"thresold": [0.5]}])
def test_a_wrong_grid_names_the_fields(grid: dict[str, list[float]]) -> None:
    with pytest.raises(CellmlError, match="threshold, smallest, fill"):
        choose_class_parameters(ClassDecoder(), grid, [block(0, 0)])


def test_no_block_is_refused() -> None:
    with pytest.raises(CellmlError, match="no validation block"):
        choose_class_parameters(ClassDecoder(), {"threshold": [0.5]}, [])
