from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.meshing import crop_object
from cellml.types import Labels


def _labels() -> Labels:
    data = np.zeros((10, 20, 30), np.uint16)
    data[0:4, 8:12, 10:30] = 7
    data[5, 5, 5] = 3
    return Labels(data, (40.0, 10.0, 5.0), origin=(100.0, 200.0, 300.0), name="block")


def test_crop_keeps_every_voxel_in_its_place():
    labels = _labels()
    crop = crop_object(labels, 7, pad=2)
    where, local = np.argwhere(labels.data == 7), np.argwhere(crop.labels.data == 7)
    spacing = np.array(labels.spacing)
    assert (where * spacing + labels.origin == pytest.approx(local * spacing + np.array(crop.labels.origin))) is True
    assert crop.labels.shape == (6, 8, 22)


def test_crop_knows_the_border_of_the_whole_volume():
    assert crop_object(_labels(), 7, pad=2).border == {"cut_z0", "cut_x1"}
    assert crop_object(_labels(), 3, pad=4).border == {"cut_z1"}


def test_absent_label_names_those_present():
    with pytest.raises(CellmlError, match=r"'block' has no voxel with label 9; it has labels 3, 7"):
        crop_object(_labels(), 9)


def test_crop_without_surroundings_is_refused():
    with pytest.raises(CellmlError, match="pad ≥ 1"):
        crop_object(_labels(), 7, pad=0)
