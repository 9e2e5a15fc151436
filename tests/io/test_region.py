from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.io.region import checked_region, reordered


def test_three_slices_leave_leading_axes_whole() -> None:
    region = checked_region((slice(1, 2), slice(None), slice(0, 3)), (4, 5, 6, 7), axes="CZYX", where="a.npz")
    assert region == (slice(0, 4), slice(1, 2), slice(0, 6), slice(0, 3))


@pytest.mark.parametrize("part", [slice(-1, 2), slice(0, 6), slice(2, 2), slice(3, 1), slice(5, None)])
def test_a_region_outside_names_axis_and_numbers(part: slice) -> None:
    with pytest.raises(CellmlError, match=r"along Y does not lie inside a\.npz, which has 5 voxels along Y"):
        checked_region((slice(None), part, slice(None)), (4, 5, 6), axes="ZYX", where="a.npz")


@pytest.mark.parametrize("region", [(slice(None),), (slice(None),) * 5, (0, slice(None), slice(None))])
def test_a_region_of_the_wrong_kind_is_refused(region: tuple[slice, ...]) -> None:
    with pytest.raises(CellmlError, match="three slices"):
        checked_region(region, (4, 5, 6), axes="ZYX", where="a.npz")
    with pytest.raises(CellmlError, match="step 2"):
        checked_region((slice(0, 4, 2), slice(None), slice(None)), (4, 5, 6), axes="ZYX", where="a.npz")


@given(st.permutations("TCZYX"))
def test_reordering_there_and_back_changes_nothing(order: list[str]) -> None:
    block = np.arange(2 * 3 * 4 * 5 * 6).reshape(2, 3, 4, 5, 6)
    there = reordered(block, "TCZYX", "".join(order))
    assert there.shape == tuple(block.shape["TCZYX".index(axis)] for axis in order)
    assert np.array_equal(reordered(there, "".join(order), "TCZYX"), block)


def test_axes_of_length_one_come_and_go() -> None:
    block = np.arange(6).reshape(3, 1, 2)
    assert reordered(block, "YCX", "YX").shape == (3, 2)
    assert reordered(block[:, 0], "YX", "TZYX").shape == (1, 1, 3, 2)
