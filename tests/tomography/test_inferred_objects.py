from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellml.errors import CellmlError, FileError
from cellml.tomography.inferred_objects import boundary, inferred_objects, read_inferred_objects, write_inferred_objects
from cellml.tomography.information import label_sums
from cellml.types import Labels, Volume

SPACING = (10.0, 10.0, 10.0)


def cube_with_soft_skin() -> tuple[Labels, Volume]:
    """A cube of 11³ whose skin was inferred and whose inside was measured, beside a measured slab at the volume's face."""
    labels, share = np.zeros((15, 15, 20), np.uint16), np.full((15, 15, 20), 0.1, np.float32)
    labels[2:13, 2:13, 2:13], labels[:, :, 16:] = 7, 3
    share[2:13, 2:13, 2:13] = 0.9
    share[3:12, 3:12, 3:12] = 0.0
    return Labels(labels, SPACING), Volume(share, SPACING)


def test_an_object_with_an_inferred_boundary_is_marked_although_its_inside_is_not() -> None:
    labels, share = cube_with_soft_skin()
    slab, cube = inferred_objects(labels, share, limit=0.5)
    assert (slab.label, cube.label) == (3, 7)
    assert cube.boundary_share == pytest.approx(0.9) and cube.inferred_share < 0.5 and cube.mostly_inferred
    assert slab.inferred_share == slab.boundary_share == pytest.approx(0.1) and not slab.mostly_inferred
    assert not inferred_objects(labels, share, limit=0.95)[1].mostly_inferred
    assert math.isnan(cube.deviation)


def test_means_of_share_and_deviation() -> None:
    labels, share = cube_with_soft_skin()
    deviation = Volume(labels.data.astype(np.float32) * 2, SPACING)
    slab, cube = inferred_objects(labels, share, deviation=deviation)
    assert cube.voxels == 1331 and cube.inferred_share == pytest.approx(0.9 * (1331 - 729) / 1331, rel=1e-5)
    assert (slab.deviation, cube.deviation) == (6, 14)


def test_a_label_that_fills_the_volume_has_no_boundary_and_its_inside_decides() -> None:
    (one,) = inferred_objects(Labels(np.ones((3, 3, 3), np.uint8), SPACING), Volume(np.full((3, 3, 3), 0.8, np.float32), SPACING))
    assert math.isnan(one.boundary_share) and one.mostly_inferred


@settings(deadline=None, max_examples=40)
@given(hnp.arrays(np.uint8, (3, 4, 5), elements=st.integers(0, 2)))
def test_boundary_voxels_are_those_with_a_neighbour_across_a_face(labels: np.ndarray) -> None:
    found, expected = boundary(labels), np.zeros(labels.shape, bool)
    for place in np.ndindex(labels.shape):
        for axis in range(3):
            for step in (-1, 1):
                other = list(place)
                other[axis] += step
                if 0 <= other[axis] < labels.shape[axis]:
                    expected[place] |= labels[tuple(other)] != labels[place]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("largest", [5, 1 << 40])
def test_sums_of_sparse_and_of_dense_labels(largest: int) -> None:
    labels = np.array([[[0, 2, largest], [2, 2, 0]]])
    counts, sums = label_sums(labels, np.arange(6.0).reshape(1, 2, 3))
    assert counts == {0: 2, 2: 3, largest: 1} and sums == {0: 5.0, 2: 8.0, largest: 2.0}


def test_tables_come_back(tmp_path: Path) -> None:
    labels, share = cube_with_soft_skin()
    for deviation in (None, share):
        objects = inferred_objects(labels, share, deviation=deviation)
        write_inferred_objects(objects, tmp_path / "t.csv")
        assert ("deviation" in (tmp_path / "t.csv").read_text()) == (deviation is not None)
        for ours, theirs in zip(objects, read_inferred_objects(tmp_path / "t.csv"), strict=True):
            assert (ours.label, ours.voxels, ours.mostly_inferred) == (theirs.label, theirs.voxels, theirs.mostly_inferred)
            assert theirs.inferred_share == pytest.approx(ours.inferred_share, abs=1e-4)
            assert theirs.deviation == pytest.approx(ours.deviation, nan_ok=True, abs=1e-4)


def test_bad_limits_and_other_tables_are_refused(tmp_path: Path) -> None:
    labels, share = cube_with_soft_skin()
    with pytest.raises(CellmlError, match=r"inferred_limit=50 must be a share from 0 to 1"):
        inferred_objects(labels, share, limit=50)
    with pytest.raises(CellmlError, match="must cover the same voxels"):
        inferred_objects(labels, Volume(share.data[1:], SPACING))
    (tmp_path / "other.csv").write_text("label,name\n1,axon\n")
    with pytest.raises(FileError, match="no table of inferred shares"):
        read_inferred_objects(tmp_path / "other.csv")
