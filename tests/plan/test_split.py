from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.plan.split import choose_split


def projections(labels: np.ndarray, classes: int) -> list[np.ndarray]:
    return [np.stack([(np.moveaxis(labels, axis, 0) == k).sum(axis=(1, 2)) for k in range(classes)]) for axis in range(3)]


def test_serial_sections_are_cut_within_the_sections() -> None:
    split = choose_split((20, 704, 1024), (45.0, 4.6, 4.6), [])
    assert split.axis == "x" and split.guard == 33 and split.train[0] == 0 and split.val[1] == 1024


@settings(max_examples=40, deadline=None)
@given(shape=st.tuples(*[st.integers(1, 200)] * 3), spacing=st.tuples(*[st.floats(2, 60)] * 3))
def test_blocks_lie_inside_and_apart(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> None:
    try:
        split = choose_split(shape, spacing, [])
    except CellmlError:
        assert max(shape) < 40
        return
    (a, b), (c, d), size = split.train, split.val, shape["zyx".index(split.axis)]
    gap = max(c - b, a - d)
    assert 0 <= a < b <= size and 0 <= c < d <= size and gap == split.guard >= 1
    assert 0.15 < (d - c) / (size - split.guard) < 0.35


def test_a_class_that_lives_at_one_end_turns_the_cut_to_another_axis() -> None:
    labels = np.zeros((60, 50, 80), np.uint8)
    labels[20:40, :, :] = 1
    labels[:, :, :20] = 2  # present in one of the two blocks only, if the cut is across x
    split = choose_split(labels.shape, (10.0, 10.0, 10.0), projections(labels, 3))
    assert split.axis == "y" and not split.missing and split.shares == pytest.approx((0.25,) * 3, abs=0.03)


def test_a_class_that_no_cut_divides_is_named() -> None:
    labels = np.zeros((40, 40, 40), np.uint8)
    labels[:2, :2, :2] = 1
    assert choose_split(labels.shape, (10.0, 10.0, 10.0), projections(labels, 2)).missing == (1,)


def test_a_volume_that_is_too_small_is_refused() -> None:
    with pytest.raises(CellmlError, match=r"\(8, 20, 20\) voxels .*Label a second volume"):
        choose_split((8, 20, 20), (10.0, 10.0, 10.0), [])
