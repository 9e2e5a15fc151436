from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cellml.meshing import Gate, MeshingError, mesh_labels
from cellml.meshing.thicken import thickened, thin_voxels
from cellml.types import Labels

SPACING = (10.0, 10.0, 10.0)


def _slow_thin(mask):
    padded, thick = np.pad(mask, 1, mode="edge"), np.zeros(np.array(mask.shape) + 2, bool)
    for corner in np.ndindex(*(n + 1 for n in mask.shape)):
        block = tuple(slice(c, c + 2) for c in corner)
        thick[block] |= padded[block].all()
    return mask & ~thick[1:-1, 1:-1, 1:-1]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.3, 0.95))
def test_thin_is_what_no_block_holds(seed, share):
    mask = np.random.default_rng(seed).random((4, 5, 6)) < share
    assert np.array_equal(thin_voxels(mask), _slow_thin(mask))


def _terraces(width=15):
    """A plate of one voxel whose steps, of 3 × width voxels, touch in edges only."""
    plate = np.zeros((14, 20, 20), np.uint8)
    for step in range(5):
        plate[4 + step, 2 + 3 * step : 5 + 3 * step, 2 : 2 + width] = 3
    return plate


def test_a_sheet_of_one_voxel_becomes_two_and_is_joined():
    labels = Labels(_terraces(), SPACING)
    assert ndimage.label(labels.data)[1] == 5
    found, said = thickened(labels)
    assert ndimage.label(found.data)[1] == 1
    assert not thin_voxels(found.data == 3).any()
    assert (found.data[labels.data == 3] == 3).all()
    assert said == (
        f"label 3 made two voxels thick where it was thinner: {(found.data == 3).sum() - (labels.data == 3).sum()} voxels added to 225; "
        "volumes and distances are compared with the thickened labels",
    )


def test_what_is_thick_stays_and_thin_neighbours_are_spared():
    data = np.zeros((10, 10, 10), np.uint8)
    data[:, :4] = 1  # goes on beyond the border
    data[4, 5:9, 2:8], data[5, 5:9, 2:8] = 2, 4  # two sheets upon each other
    found, said = thickened(Labels(data, SPACING))
    for number in (1, 2, 4):
        assert (found.data[data == number] == number).all()
    assert len(said) == 2
    assert thickened(Labels(data, SPACING), 1)[1] == ()
    inside = np.where(data == 2, 2, 1).astype(np.uint8)
    assert "from other labels" in thickened(Labels(inside, SPACING))[1][0]


def test_a_thin_plate_is_meshed_where_thickening_is_asked_for_and_says_so():
    labels = Labels(_terraces(8), SPACING)
    with pytest.raises(MeshingError, match="fragments of at most 24; at least 27 connected through faces are needed for a shape"):
        mesh_labels(labels)
    result = mesh_labels(labels, thicken=True)
    assert result.certificate.passes(Gate()) == []
    assert "made two voxels thick" in result.certificate.repairs[0]
    assert result.certificate.regions["label_3"].components == 1
