from __future__ import annotations

import numpy as np
import pytest

from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.source import regions_of_labels, source_of_mask, source_of_surface
from cellml.meshing.topology import boundary_facets
from cellml.types import Labels, Surface


def test_regions_keep_their_place():
    data = np.zeros((5, 6, 7), np.int64)
    data[1:3, 2, 3] = 7
    data[4, 5, 6] = 2**40
    labels = Labels(data, (2.0, 3.0, 4.0), origin=(100.0, 0.0, 0.0))
    crops = regions_of_labels(labels, [7, 2**40, 9])
    assert set(crops) == {7, 2**40}
    assert crops[7].data.tolist() == [[[1]], [[1]]]
    assert crops[7].origin == (102.0, 6.0, 12.0)
    assert crops[2**40].origin == (108.0, 15.0, 24.0)
    assert regions_of_labels(labels, []) == {}


def test_what_voxels_are():
    ring = np.ones((1, 3, 3), int)
    ring[0, 1, 1] = 0
    found = source_of_mask(Labels(np.concatenate([ring, 0 * ring, ring]), (10.0, 10.0, 10.0)))
    assert (found.voxels, found.volume_nm3, found.components, found.euler) == (16, 16000.0, 2, 0)


def test_what_a_surface_is():
    points, tets = body_centred_cubic(np.zeros(3), np.array([60.0, 40, 40]), np.ones((6, 4, 4), bool))
    found = source_of_surface(Surface(points, boundary_facets(tets)))
    assert (found.voxels, found.components, found.euler) == (None, 1, 2)
    assert found.volume_nm3 == pytest.approx(96000.0)
