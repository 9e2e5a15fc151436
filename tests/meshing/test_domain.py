from __future__ import annotations

import numpy as np
import pytest

from cellml.meshing.domain import MARGIN, Contact, shapes_of_labels
from cellml.meshing.field_shapes import shapes_of_fields
from cellml.types import Labels

SPACING = (20.0, 10.0, 5.0)
ORIGIN = (100.0, -40.0, 7.0)


def _labels():
    """A block in the corner z = 0, y = last of the volume, free on the other sides."""
    data = np.zeros((10, 12, 14), np.int64)
    data[0:4, 7:12, 5:9] = 2
    return Labels(data, SPACING, ORIGIN)


def _shapes(labels, *, cut_faces=True, contact=None):
    volumes = {int(n): float((labels.data == n).sum() * np.prod(labels.spacing)) for n in np.unique(labels.data) if n > 0}
    return shapes_of_labels(labels, sorted(volumes), volumes, 12.0, cut_faces=cut_faces, contact=contact or Contact())


def test_walls_lie_half_a_voxel_outside_the_outermost_centres():
    frame = _shapes(_labels()).frame
    assert frame.planes() == {(0, 0): 100.0 - 10.0, (1, 1): -40.0 + 11.5 * 10.0}
    assert frame.voxel_nm == pytest.approx(10.0)
    assert frame.detail_nm == 12.0
    assert frame.low[0] == 90.0
    assert frame.high[1] == 75.0


def test_the_box_leaves_room_on_free_sides():
    frame = _shapes(_labels()).frame
    first, last = 7.0 + 4.5 * 5.0, 7.0 + 8.5 * 5.0
    assert frame.low[2] == pytest.approx(first - (MARGIN - 1) * 5.0)
    assert frame.high[2] == pytest.approx(last + (MARGIN - 1) * 5.0)


def test_voxels_keep_their_place_and_are_repeated_beyond_walls():
    shapes = _shapes(_labels())
    assert shapes.frame.shape == shapes.data.shape == (4 + 2 * MARGIN, 5 + 2 * MARGIN, 4 + 2 * MARGIN)
    z, y, x = ((np.arange(n) * s + o).tolist() for n, s, o in zip(shapes.frame.shape, SPACING, shapes.frame.origin, strict=True))
    assert z[MARGIN] == 100.0
    middle = shapes.data[:, y.index(-40.0 + 8 * 10.0), x.index(7.0 + 6 * 5.0)]
    assert middle.tolist() == [2] * (MARGIN + 4) + [0] * MARGIN
    assert shapes.data[:, :, : MARGIN - 1].max() == 0


def test_without_cut_faces_nothing_follows():
    shapes = _shapes(_labels(), cut_faces=False)
    assert shapes.frame.planes() == {}
    assert (shapes.data > 0).sum() == (_labels().data > 0).sum()


def test_points_on_a_wall_are_held_exactly():
    frame = _shapes(_labels()).frame
    points = np.array([[30.0, 0.0, 90.0], [30.0, 75.0, 90.0], [30.0, 75.0 + 1e-9, 100.0], [30.0, 0.0, 100.0]])
    assert frame.held(points).tolist() == [1, 1 | 1 << 3, 0, 0]


def test_outer_distance_is_negative_inside_and_in_nanometres():
    shapes = _shapes(_labels())
    outer = shapes.outer(0.0)
    assert ((outer < 0) == (shapes.data > 0)).all()
    at = np.array([[7.0 + 6.5 * 5.0, -40.0 + 9.0 * 10.0, 100.0], [7.0 + 12.0 * 5.0, -40.0 + 9.0 * 10.0, 100.0]])
    assert shapes.frame.sample(outer, at) == pytest.approx([-7.5, 17.5])  # less half the smallest voxel edge


def test_levels_between_labels_are_half_the_difference():
    data = np.zeros((8, 8, 16), np.int64)
    data[1:7, 1:7, 1:8], data[1:7, 1:7, 8:15] = 1, 2
    shapes = _shapes(Labels(data, (10.0, 10.0, 10.0)))
    local = shapes.against(1, [2], 0.0)
    box = tuple(slice(f, f + n) for f, n in zip(local.first, local.values.shape, strict=True))
    own, other = shapes.data[box] == 1, shapes.data[box] == 2
    assert (local.values[own] < 0).all()
    assert (local.values[other] > 0).all()
    row = local.values[local.values.shape[0] // 2, local.values.shape[1] // 2]
    x = np.flatnonzero(other[other.shape[0] // 2, other.shape[1] // 2])[0]
    assert row[x - 1 : x + 1] == pytest.approx([-5.0, 5.0])
    assert local.cap is None


def test_a_cleft_to_the_background_pulls_both_labels_back():
    data = np.zeros((12, 12, 24), np.int64)
    data[1:11, 1:11, 2:12], data[1:11, 1:11, 12:22] = 1, 2
    labels = Labels(data, (10.0, 10.0, 10.0))
    shapes = _shapes(labels, contact=Contact("cleft", 0, 30.0))
    between = 11.5 * 10.0
    at = np.array([[between + dx, 55.0, 55.0] for dx in (-21.0, -14.0, 0.0, 14.0, 21.0, 95.0, 110.0)])
    value = shapes.frame.sample(shapes.outer(0.0), at)
    assert (value < 0).tolist() == [True, False, False, False, True, True, False]
    fused = _shapes(labels).frame.sample(_shapes(labels).outer(0.0), at)
    assert (fused < 0).tolist() == [True] * 6 + [False]


def test_a_cleft_filled_by_a_host_bounds_the_level_of_what_it_hosts():
    data = np.ones((12, 12, 12), np.int64)
    data[[0, -1]] = data[:, [0, -1]] = data[:, :, [0, -1]] = 0
    data[1:7, 3:9, 3:9] = 2  # touches the outside at z = 1
    shapes = _shapes(Labels(data, (10.0, 10.0, 10.0)), contact=Contact("cleft", 1, 25.0))
    local = shapes.against(2, [1], 0.0)
    assert local.cap is not None
    box = tuple(slice(f, f + n) for f, n in zip(local.first, local.values.shape, strict=True))
    outside = shapes.data[box] == 0
    assert (local.cap[outside] > 25.0).all()
    column = np.maximum(local.values, local.cap)[:, local.cap.shape[1] // 2, local.cap.shape[2] // 2]
    first = np.flatnonzero(~outside[:, local.cap.shape[1] // 2, local.cap.shape[2] // 2])[0]
    # Distances from the membrane: 5, 15, 25, 35 nm; the organelle begins at 25.
    assert (column[first : first + 4] < 0).tolist() == [False, False, False, True]
    assert shapes.against(1, [], 0.0).cap is None


def test_fields_are_extended_over_walls_and_closed_elsewhere():
    z, y, x = np.meshgrid(*(np.arange(n) * 10.0 for n in (8, 9, 10)), indexing="ij")
    ball = np.sqrt((z - 35) ** 2 + (y - 40) ** 2 + x**2) - 25.0  # cut by x = 0
    spacing, origin = np.full(3, 10.0), np.array([5.0, 6.0, 7.0])
    shapes = shapes_of_fields({1: ball}, spacing, origin, {1: 1.0}, cut_faces=True)
    assert shapes.frame.planes() == {(2, 0): 7.0 - 5.0}
    field = shapes.fields[1]
    assert np.array_equal(field[MARGIN:-MARGIN, MARGIN:-MARGIN, MARGIN:-MARGIN], ball)
    assert np.array_equal(field[MARGIN:-MARGIN, MARGIN:-MARGIN, 0], ball[:, :, 0])
    assert (field[:MARGIN] > 0).all()
    free = shapes_of_fields({1: ball}, spacing, origin, {1: 1.0}, cut_faces=False)
    assert free.frame.planes() == {}
    assert (free.fields[1][:, :, :MARGIN] > 0).all()


def test_the_smallest_field_is_cut_first():
    z, y, x = np.meshgrid(*(np.arange(12.0) - 5.5,) * 3, indexing="ij")
    radius = np.sqrt(z**2 + y**2 + x**2)
    shapes = shapes_of_fields({1: radius - 5.0, 2: radius - 2.0}, np.ones(3), np.zeros(3), {1: 490.0, 2: 33.5}, cut_faces=True)
    assert shapes.numbers == [2, 1]
    assert shapes.target([1, 2]) == 523.5
    assert np.array_equal(shapes.outer(0.7), shapes.fields[1])
    assert shapes.against(2, [1], 0.7).values == pytest.approx(0.5 * (shapes.fields[2] - shapes.fields[1]))
