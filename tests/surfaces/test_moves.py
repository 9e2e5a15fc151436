"""Flips, splits and collapses, and what guards them."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.meshing.intersections import crossing_facets
from cellml.meshing.quality import surface_angles
from cellml.meshing.topology import edges_of, surface_topology
from cellml.surfaces.collapses import collapse_edges
from cellml.surfaces.edge_table import edge_table, faces_at_vertices, neighbours
from cellml.surfaces.exposure import exposed_faces
from cellml.surfaces.face_shape import shape_quality, vertex_sums
from cellml.surfaces.flips import flip_edges
from cellml.surfaces.guards import crossing_now, keeps_faces, move_where_allowed
from cellml.surfaces.smoothing import angle_smoothed, normal_smoothed, vertex_normals
from cellml.surfaces.splits import split_edges
from cellml.surfaces.structure_tensor import damp_across_features, sharpness
from cellml.types import Surface


def _rough(shapes, amplitude=3.0, seed=0):
    sphere = shapes.sphere()
    return Surface(sphere.vertices + amplitude * np.random.default_rng(seed).normal(size=sphere.vertices.shape), sphere.faces)


def test_edge_table_and_lists_against_loops(shapes):
    torus = shapes.torus(sections=(12, 8))
    table = edge_table(torus.faces)
    assert len(table.edges) == 3 * len(torus.faces) // 2
    for (a, b), (left, right), (c, d) in zip(table.edges, table.faces, table.opposite, strict=True):
        assert sorted(torus.faces[left]) == sorted([a, b, c])
        assert sorted(torus.faces[right]) == sorted([a, b, d])
        assert (a, b) in [(torus.faces[left][k], torus.faces[left][(k + 1) % 3]) for k in range(3)]
    found, owner = faces_at_vertices(torus.faces, len(torus.vertices)).of(np.array([7, 3]))
    assert set(found[owner == 1]) == set(np.flatnonzero((torus.faces == 3).any(axis=1)))
    found, owner = neighbours(table.edges, len(torus.vertices)).of(np.array([7, 3]))
    assert set(found[owner == 0]) == set(torus.faces[(torus.faces == 7).any(axis=1)].ravel()) - {7}
    with pytest.raises(CellmlError, match="not closed, oriented and manifold"):
        edge_table(torus.faces[1:])


def test_shape_quality_of_known_triangles():
    sine = np.sin(np.radians(20.0))
    corners = np.array(
        [
            [[0.0, 0, 0], [1, 0, 0], [0.5, np.sqrt(0.75), 0]],
            [[0, 0, 0], [1, 0, 0], [2, 0, 0]],
            [[0, 0, 0], [1, 0, 0], [np.cos(np.radians(20.0)), sine, 0]],
        ]
    )
    square = (1 - corners[2, 2, 0]) ** 2 + sine**2
    assert np.allclose(shape_quality(corners), [1.0, 0.0, 2 * np.sqrt(3) * sine / (2 + square)])


def test_vertex_sums_against_a_loop(shapes):
    box = shapes.box(subdivisions=1)
    values = np.arange(len(box.faces) * 2.0).reshape(-1, 2)
    sums = np.zeros((len(box.vertices), 2))
    for face, value in zip(box.faces, values, strict=True):
        sums[face] += value
    assert np.allclose(vertex_sums(box.faces, values, len(box.vertices)), sums)


def test_splits_leave_the_surface_as_it_is(shapes):
    box = shapes.box(subdivisions=0)
    vertices, faces, size, splits = split_edges(box.vertices, box.faces, np.full(8, 20.0))
    made = Surface(vertices, faces)
    assert splits > 0
    assert len(size) == len(vertices)
    assert surface_topology(faces).manifold
    assert made.volume() == pytest.approx(1e6)
    assert made.areas().sum() == pytest.approx(6e4)
    a, b = edges_of(faces)[0].T
    assert np.linalg.norm(vertices[a] - vertices[b], axis=1).max() <= 4 / 3 * 20.0


def test_flips_raise_the_worst_shape_and_keep_edges_of_a_box(shapes):
    box = shapes.box()
    rng = np.random.default_rng(0)
    inner = (np.abs(box.vertices) > 49.9).sum(axis=1) == 1
    slid = box.vertices + 9.0 * rng.normal(size=box.vertices.shape) * inner[:, None] * (np.abs(box.vertices) < 49.9)
    kept = move_where_allowed(box.vertices, box.faces, slid)
    faces, flips = flip_edges(kept, box.faces)
    assert flips > 0
    assert shape_quality(kept[faces]).mean() > shape_quality(kept[box.faces]).mean()
    assert Surface(kept, faces).volume() == pytest.approx(1e6, rel=1e-9)
    assert surface_topology(faces).oriented


def test_every_collapse_keeps_the_volume(shapes):
    rough = _rough(shapes)
    vertices, faces, size, collapses = collapse_edges(rough.vertices, rough.faces, np.full(642, 30.0))
    assert collapses > 100
    assert len(faces) == len(rough.faces) - 2 * collapses
    assert len(size) == len(vertices)
    assert Surface(vertices, faces).volume() == pytest.approx(rough.volume(), rel=1e-12)
    topology = surface_topology(faces)
    assert topology.manifold
    assert topology.euler == 2
    assert len(crossing_facets(vertices, faces)) == 0


def test_link_condition_keeps_a_handle(shapes):
    """On a torus three edges around its tube, collapses would pinch the tube off."""
    thin = shapes.torus(100.0, 8.0, sections=(60, 3))
    _, faces, _, _ = collapse_edges(thin.vertices, thin.faces, np.full(len(thin.vertices), 60.0), longest=5.0)
    topology = surface_topology(faces)
    assert topology.manifold
    assert topology.euler == 0


def test_faces_turned_over_or_spoilt_are_found(shapes):
    sphere = shapes.sphere(subdivisions=2)
    assert keeps_faces(sphere.vertices, sphere.faces, sphere.vertices).all()
    pushed = sphere.vertices.copy()
    ring = np.flatnonzero((sphere.faces == 20).any(axis=1))
    pushed[20] = sphere.vertices[sphere.faces[ring[0]]].sum(axis=0) - 2 * sphere.vertices[20]
    spoilt = np.flatnonzero(~keeps_faces(sphere.vertices, sphere.faces, pushed))
    assert len(spoilt) > 0
    assert set(spoilt) <= set(ring)
    assert (move_where_allowed(sphere.vertices, sphere.faces, pushed) == sphere.vertices).all()


def test_sheets_pushed_through_each_other_go_back_alone(shapes):
    """Two spheres a little apart: the near caps want to move through each other, the far ones outwards."""
    pair = shapes.joined(shapes.sphere(), shapes.sphere(centre=(204.0, 0, 0)))
    left = np.arange(len(pair.vertices)) < 642
    wanted = pair.vertices + np.where(left, 4.0, -4.0)[:, None] * [1, 0, 0]
    far = np.where(left, pair.vertices[:, 0] < -50, pair.vertices[:, 0] > 254)
    moved = move_where_allowed(pair.vertices, pair.faces, wanted)
    assert len(crossing_facets(wanted, pair.faces)) > 0
    assert len(crossing_facets(moved, pair.faces)) == 0
    assert (moved[far] == wanted[far]).all()
    everything = np.ones(len(pair.faces), bool)
    assert set(crossing_now(wanted, pair.faces, everything)) == set(crossing_facets(wanted, pair.faces).ravel())


def test_only_sheets_that_face_each_other_are_exposed(shapes):
    sphere = shapes.sphere(100.0, subdivisions=4)
    assert not exposed_faces(sphere.vertices, sphere.faces, 30.0).any()
    pair = shapes.joined(sphere, shapes.sphere(100.0, (210.0, 0, 0), subdivisions=4))
    exposed = exposed_faces(pair.vertices, pair.faces, 30.0)
    centre = pair.vertices[pair.faces].mean(axis=1)
    between = np.abs(centre[:, 0] - 105.0)
    assert exposed[between < 10.0].all()
    assert not exposed[between > 60.0].any()


def test_structure_tensor_tells_planes_edges_and_corners(shapes):
    box = shapes.box()
    planes = (np.abs(box.vertices) > 49.9).sum(axis=1)
    sharp = sharpness(box.vertices, box.faces)
    assert sharp[planes == 1].max() < 1e-12
    assert sharp[planes == 2].min() > 0.3
    moves = np.ones_like(box.vertices)
    damped = damp_across_features(box.vertices, box.faces, moves)
    along = np.abs(box.vertices) < 49.9
    assert np.allclose(damped[along], 1.0)
    assert (damped[~along] < 0.6).all()


def test_angle_smoothing_evens_angles_without_moving_off_the_plane(shapes):
    box = shapes.box()
    inner = (np.abs(box.vertices) > 49.9).sum(axis=1) == 1
    rng = np.random.default_rng(3)
    slid = box.vertices + 4.0 * rng.normal(size=box.vertices.shape) * inner[:, None] * (np.abs(box.vertices) < 49.9)
    smoothed = angle_smoothed(slid, box.faces)
    assert np.allclose(np.abs(smoothed[inner]).max(axis=1), 50.0)
    assert surface_angles(smoothed, box.faces).min() > surface_angles(slid, box.faces).min()


def test_normal_smoothing_leaves_planes_and_takes_noise(shapes):
    box = shapes.box(subdivisions=3)
    assert np.allclose(normal_smoothed(box.vertices, box.faces), box.vertices, atol=1e-9)
    rough = _rough(shapes, amplitude=1.0)
    smoothed = normal_smoothed(rough.vertices, rough.faces, tolerance=0.5)
    assert np.linalg.norm(smoothed, axis=1).std() < 0.8 * np.linalg.norm(rough.vertices, axis=1).std()


def test_vertex_normals_of_a_sphere_point_outwards(shapes):
    sphere = shapes.sphere()
    assert np.allclose(vertex_normals(sphere.vertices, sphere.faces), sphere.vertices / 100.0, atol=0.02)
