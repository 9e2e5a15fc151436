from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from cellml.meshing.distance import distance_to_labels, distance_to_surface
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.surface_samples import barycentric_cut, sample_triangles
from cellml.meshing.topology import boundary_facets
from cellml.types import Labels, Surface


def _box(low, high, step=10.0):
    """The surface of a box, corners (x, y, z) in nm, as triangles."""
    low, high = np.array(low, float), np.array(high, float)
    cells = np.round((high - low) / step).astype(int)[::-1]
    points, tets = body_centred_cubic(low[::-1], high[::-1], np.ones(cells, bool))
    return points, boundary_facets(tets)


def _block(shape=(4, 5, 6), spacing=(10.0, 10.0, 10.0)):
    """A block of label 1 with a voxel of background around it; its boundary runs from 5 nm to 5 nm + size."""
    return Labels(np.pad(np.ones(shape, int), 1), spacing)


def test_the_same_boundary_has_no_distance():
    labels = _block()
    found = distance_to_labels(*_box((5, 5, 5), (65, 55, 45)), labels.data == 1, labels)
    assert found.hausdorff_nm == pytest.approx(0.0, abs=1e-9)
    assert found.unit_nm == 10.0


def test_a_shifted_box_is_as_far_as_the_shift():
    labels = _block()
    found = distance_to_labels(*_box((8, 5, 5), (68, 55, 45)), labels.data == 1, labels)
    assert (found.to_source.largest_nm, found.to_mesh.largest_nm) == pytest.approx((3.0, 3.0))
    assert found.p99_nm == pytest.approx(3.0)
    # The two faces across the shift, 20 of 148 squares, are 3 nm away; of the faces along it only a strip at the end is.
    assert found.mean_nm == pytest.approx(3.0 * 40 / 148, abs=0.3)


def test_a_lost_part_shows_from_the_source_only():
    labels = _block((4, 4, 12))
    found = distance_to_labels(*_box((5, 5, 5), (85, 45, 45)), labels.data == 1, labels)  # the last 40 nm are missing
    assert found.to_mesh.largest_nm == pytest.approx(40.0)
    assert found.to_source.largest_nm == pytest.approx(20.0)  # the end cap, inside the block: half its thickness away from the sides
    assert found.to_mesh.p99_nm > 35.0


def test_a_cut_at_the_border_of_the_volume_is_the_boundary_there():
    labels = Labels(np.ones((4, 5, 6), int), (10.0, 10.0, 10.0), origin=(5.0, 5.0, 5.0))
    found = distance_to_labels(*_box((0, 0, 0), (60, 50, 40)), labels.data == 1, labels)
    assert found.hausdorff_nm == pytest.approx(0.0, abs=1e-9)


def test_anisotropic_voxels():
    labels = _block((2, 8, 8), (40.0, 4.0, 4.0))
    found = distance_to_labels(*_box((2, 2, 20), (34, 34, 103), 4.0), labels.data == 1, labels)
    assert found.unit_nm == 40.0
    assert found.to_source.largest_nm == pytest.approx(3.0)


def test_the_largest_distance_lies_between_the_samples():
    """A flat square 5 nm above a block, and a spike of one triangle whose tip is 60 nm above it: no sample lies on the tip."""
    labels = _block()
    square = np.array([[10.0, 10, 50], [60, 10, 50], [60, 50, 50], [10, 50, 50], [30, 30, 105], [32, 30, 50], [30, 32, 50]])
    found = distance_to_labels(square, np.array([[0, 1, 2], [0, 2, 3], [5, 6, 4]]), labels.data == 1, labels)
    assert found.to_source.largest_nm == pytest.approx(60.0, abs=found.tolerance_nm)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_distances_agree_with_those_of_dense_samples(seed):
    rng = np.random.default_rng(seed)
    data = np.zeros((7, 7, 7), int)
    data[1:6, 1:6, 1:6] = rng.random((5, 5, 5)) < 0.5
    data[3, 3, 3] = 1
    labels = Labels(data, (1.5, 1.0, 1.0))
    points, faces = _box((1, 1, 1), (6, 6, 7), 1.0)
    points = points + 0.2 * rng.normal(size=points.shape)
    found = distance_to_labels(points, faces, data == 1, labels)
    mesh = _dense(points[faces], 5)
    source = _dense(_voxel_triangles(labels), 5)
    for directed, a, b in ((found.to_source, mesh, source), (found.to_mesh, source, mesh)):
        distance, _ = cKDTree(b).query(a)
        assert directed.largest_nm == pytest.approx(distance.max(), abs=0.25)
        assert directed.mean_nm == pytest.approx(distance.mean(), abs=0.15)


def _dense(corners, n):
    return np.einsum("abk,fkd->fabd", barycentric_cut(n), corners).mean(axis=2).reshape(-1, 3)


def _voxel_triangles(labels):
    """Two triangles for each face of each voxel whose neighbour has another label, voxel by voxel."""
    triangles = []
    for voxel in np.argwhere(labels.data == 1):
        for axis in range(3):
            for side in (-1, 1):
                beside = voxel.copy()
                beside[axis] += side
                if labels.data[tuple(beside)] == 1:
                    continue
                u, v = np.eye(3)[(axis + 1) % 3] / 2, np.eye(3)[(axis + 2) % 3] / 2
                middle = voxel + np.eye(3)[axis] * side / 2
                corners = np.array([middle - u - v, middle + u - v, middle + u + v, middle - u + v]) * labels.spacing
                triangles += [corners[[0, 1, 2], ::-1], corners[[0, 2, 3], ::-1]]
    return np.array(triangles)


def test_distance_to_a_surface():
    points, faces = _box((0, 0, 0), (60, 50, 40))
    found = distance_to_surface(points + np.array([0, 0, 4.0]), faces, Surface(points, faces))
    assert (found.to_source.largest_nm, found.to_mesh.largest_nm) == pytest.approx((4.0, 4.0))
    assert found.unit_nm == pytest.approx(10.0)
    finer = distance_to_surface(points + np.array([0, 0, 4.0]), faces, Surface(points, faces), unit_nm=2.0)
    assert finer.summary() == pytest.approx(
        found.summary() | {"hausdorff_units": 2.0, "p99_units": 2.0, "mean_units": finer.mean_nm / 2}, rel=0.2
    )


def test_samples_tile_their_triangles():
    corners = np.array([[[0, 0, 0], [9, 0, 0], [0, 3, 0]], [[0, 0, 0], [1, 0, 0], [0, 1, 0]]], float)
    small = sample_triangles(corners, 2.0)
    assert np.bincount(small.owner).tolist() == [25, 1]
    np.testing.assert_allclose(np.bincount(small.owner, weights=small.areas), [13.5, 0.5])
    assert len(sample_triangles(corners, 0.001, most=1000).owner) < 2000
