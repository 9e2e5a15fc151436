from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.meshing import MeshingError
from cellml.meshing.selection import select
from cellml.meshing.topology import voxel_euler_number
from cellml.types import Labels

SPACING = (40.0, 10.0, 5.0)


def _labels(data, **more):
    return Labels(data, SPACING, origin=(100.0, 200.0, 300.0), name="block", **more)


def _two_blobs():
    """Label 7 in a piece of 64 and one of 27 voxels, label 3 a block of 45 between them and the border."""
    data = np.zeros((10, 12, 20), np.uint16)
    data[2:6, 2:6, 4:8] = 7
    data[2:5, 2:5, 14:17] = 7
    data[0:5, 8:11, 3:6] = 3
    return data


def _one(label=2):
    data = np.zeros((8, 8, 8), np.int64)
    data[4, 4, 4] = label
    return data


def test_all_labels_are_taken_the_smallest_first():
    labels = _labels(_two_blobs(), names={7: "er"})
    chosen = select(labels, None)
    assert chosen.numbers == [3, 7]
    assert chosen.labels.names == {3: "label_3", 7: "er"}
    assert chosen.sources[7].voxels == 91
    assert chosen.sources[7].components == 2
    assert chosen.sources[7].volume_nm3 == 91 * 2000.0
    assert chosen.sources[7].euler == voxel_euler_number(labels.data == 7) == 4
    assert (chosen.discarded_share, chosen.repairs) == (0.0, ())


def test_crop_keeps_a_voxel_around_wherever_there_is_one():
    labels = _labels(_two_blobs())
    chosen = select(labels, None)
    assert chosen.labels.shape == (7, 11, 16)  # voxels 0 … 6, 1 … 11 and 2 … 17
    where, local = np.argwhere(labels.data > 0), np.argwhere(chosen.labels.data > 0)
    assert where * SPACING + labels.origin == pytest.approx(local * SPACING + np.array(chosen.labels.origin))
    assert np.array_equal(labels.data[labels.data > 0], chosen.labels.data[chosen.labels.data > 0])


def test_one_label_is_taken_alone():
    chosen = select(_labels(_two_blobs()), 3)
    assert chosen.numbers == [3]
    assert set(np.unique(chosen.labels.data)) == {0, 3}
    assert chosen.labels.shape == (6, 5, 5)


def test_largest_component_of_each_label():
    chosen = select(_labels(_two_blobs()), None, "largest")
    assert chosen.sources[7].components == 1
    assert chosen.sources[7].voxels == 64
    assert chosen.discarded_share == pytest.approx(27 / (91 + 45))
    assert chosen.repairs == ("kept the largest of 2 6-connected components of label 7; 27 voxels (29.67 %) discarded",)


def test_debris_is_measured_before_and_meshed_without():
    data = _two_blobs()
    data[8, 10, 18] = 7
    chosen = select(_labels(data), 7)
    assert (chosen.labels.data == 7).sum() == 91
    assert chosen.sources[7].voxels == 92
    assert chosen.repairs == ("1 fragment of label 7 below 27 voxels (1 voxel in all) given to the surroundings",)


def test_labels_past_the_largest_region_number_keep_their_names():
    data = np.zeros((5, 5, 14), np.uint64)
    data[1:4, 1:4, 1:5], data[1:4, 1:4, 7:10] = 2**63 + 5, 12
    chosen = select(_labels(data, names={12: "dendrite"}), None)
    assert chosen.numbers == [1, 2]
    assert chosen.labels.names == {1: "dendrite", 2: f"label_{2**63 + 5}"}
    assert chosen.sources[2].voxels == 36
    assert "labels renumbered 1 … 2, because 9223372036854775813 exceeds" in chosen.repairs[0]


def test_a_single_label_past_the_largest_region_number():
    data = np.zeros((5, 5, 8), np.uint32)
    data[1:4, 1:4, 1:5], data[1:4, 1:4, 5:] = 2**32 - 1, 9
    chosen = select(_labels(data), 2**32 - 1)
    assert chosen.numbers == [1]
    assert chosen.labels.names == {1: "label_4294967295"}
    assert (chosen.labels.data == 1).sum() == 36


@pytest.mark.parametrize("bits", [np.uint8, np.int16, np.uint64])
def test_any_integer_type(bits):
    assert select(_labels(_two_blobs().astype(bits)), None).numbers == [3, 7]


def test_background_only():
    with pytest.raises(MeshingError, match=r"'block' holds background only \(all 64 voxels are 0\); there is nothing to mesh"):
        select(_labels(np.zeros((4, 4, 4), np.uint8)), None)
    with pytest.raises(MeshingError, match="background only"):
        select(_labels(np.zeros((4, 4, 4), np.uint8)), 3)


def test_one_voxel():
    with pytest.raises(MeshingError, match=r"Label 2 of 'block' has 1 voxel; at least 27 connected through faces"):
        select(_labels(_one()), None)


def test_many_voxels_of_which_no_two_touch():
    data = np.zeros((12, 12, 12), np.uint8)
    data[::2, ::2, ::2] = 5
    with pytest.raises(MeshingError, match=r"Label 5 of 'block' has 216 voxels in fragments of at most 1;"):
        select(_labels(data), None)


def test_256_labels_are_taken_and_257_are_not():
    data = np.kron(np.arange(1, 258).reshape(1, 1, 257), np.ones((3, 3, 3), np.int64))
    assert len(select(_labels(data[:, :, :-3]), None).numbers) == 256
    with pytest.raises(MeshingError, match=r"'block' holds 257 labels \(labels 1, 2, .*, 12 and 245 more\); at most 256 .* label=NUMBER"):
        select(_labels(data), None)
    assert select(_labels(data), 200).numbers == [200]


def test_100_000_labels_are_refused_at_once():
    data = np.arange(100_000).reshape(20, 50, 100) + 1
    with pytest.raises(MeshingError, match="holds 100000 labels"):
        select(_labels(data), None)


def test_a_label_that_is_mostly_crumbs():
    data = np.zeros((12, 12, 24), np.uint8)
    data[1:5, 1:6, 1:6] = 4
    data[::3, ::3, 8::3] = 4
    with pytest.raises(MeshingError, match=r"Label 4 .* has 96 of its 196 voxels \(49.0 %\) in fragments of fewer than 27 .*at most 5 %"):
        select(_labels(data), None)
    assert select(_labels(data), None, "largest").sources[4].voxels == 100


def test_absent_label_names_those_present():
    with pytest.raises(CellmlError, match="'block' has no voxel with label 9; it has labels 3, 7"):
        select(_labels(_two_blobs()), 9)


def test_unknown_components():
    with pytest.raises(CellmlError, match="components=some is not known; use all or largest"):
        select(_labels(_two_blobs()), None, "some")
