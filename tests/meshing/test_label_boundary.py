from __future__ import annotations

import numpy as np
import pytest

from cellml.meshing.label_boundary import boundary_faces
from cellml.types import Labels


def test_faces_of_one_voxel():
    labels = Labels(np.pad(np.ones((1, 1, 1), int), 1), (4.0, 3.0, 2.0), origin=(100.0, 0.0, 0.0))
    faces = boundary_faces(labels.data == 1, labels)
    assert len(faces) == 6
    assert faces.areas.sum() == pytest.approx(2 * (4 * 3 + 3 * 2 + 2 * 4))
    assert sorted(faces.centres[:, 2].tolist()) == pytest.approx([102, 104, 104, 104, 104, 106])


def test_a_cap_on_the_border_closes_the_boundary():
    labels = Labels(np.ones((2, 3, 4), int), (10.0, 10.0, 10.0))
    faces = boundary_faces(labels.data == 1, labels)
    assert faces.areas.sum() == pytest.approx(2 * 100 * (6 + 8 + 12))
    assert faces.centres.min(axis=0) == pytest.approx([-5, -5, -5])
    assert faces.centres.max(axis=0) == pytest.approx([35, 25, 15])


def test_an_interface_belongs_to_both_labels():
    data = np.zeros((3, 3, 4), int)
    data[1, 1, 1], data[1, 1, 2] = 1, 2
    labels = Labels(data, (1.0, 1.0, 1.0))
    shared = [
        tuple(c)
        for c in boundary_faces(data == 1, labels).centres
        if tuple(c) in set(map(tuple, boundary_faces(data == 2, labels).centres))
    ]
    assert shared == [(1.5, 1.0, 1.0)]


def test_long_faces_are_tiled_without_gap():
    labels = Labels(np.ones((1, 1, 1), int), (10.0, 1.0, 1.0))
    faces = boundary_faces(labels.data == 1, labels)
    assert len(faces) == 4 * 5 + 2
    assert faces.areas.sum() == pytest.approx(42.0)
    triangles = faces.triangles()
    areas = 0.5 * np.linalg.norm(np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]), axis=1)
    assert areas.sum() == pytest.approx(42.0)
    np.testing.assert_allclose(areas[:22] + areas[22:], faces.areas)
