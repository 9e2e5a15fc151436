from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.meshing.quality import radius_ratio
from cellml.sim.adaptive.bisection import Bisection, bisect
from cellml.sim.adaptive.escape import ball_with_cap, cap_cone
from cellml.sim.adaptive.projection import distance_of_labels, distance_on_grid, movable, project_boundary
from cellml.sim.analytic import ball, box
from cellml.types import Labels, Volume


def sphere(points):
    radius = np.linalg.norm(points, axis=1)
    return radius - 1000.0, points / radius[:, None]


def test_new_points_reach_the_sphere_and_old_ones_stay():
    state = Bisection.of(ball(1000.0, 2))
    refinement = bisect(state, np.ones(len(state.mesh.tets), bool), distance=sphere)
    fine = refinement.mesh
    np.testing.assert_array_equal(fine.points[: len(state.mesh.points)], state.mesh.points)
    radius = np.linalg.norm(fine.points[np.unique(fine.facets)], axis=1)
    np.testing.assert_allclose(radius, 1000.0, rtol=1e-12)


def test_moves_that_would_spoil_a_tetrahedron_are_shortened_or_left_out():
    """A plane far outside pulls every point through its neighbours: all stay valid and above the bound."""
    mesh = box((1000.0, 1000.0, 1000.0), (3, 3, 3))
    every = np.arange(len(mesh.points))

    def far_plane(points):
        return points[:, 2] - 1500.0, np.tile([0.0, 0.0, 1.0], (len(points), 1))

    moved = project_boundary(mesh, every, far_plane, least_quality=0.2)
    assert (moved.volumes() > 0).all()
    before, after = radius_ratio(mesh.points, mesh.tets), radius_ratio(moved.points, moved.tets)
    assert (after >= np.minimum(before, 0.2) * (1 - 1e-9)).all()
    assert not np.array_equal(moved.points, mesh.points)


def test_cuts_and_their_rims_do_not_move():
    mesh = box((1000.0, 1000.0, 1000.0), (2, 2, 2), cuts=("z0",))
    chosen = movable(mesh, np.arange(len(mesh.points)), None)
    assert (mesh.points[chosen][:, 2] > 0).all()
    with pytest.raises(CellmlError, match="no facets named 'door'"):
        movable(mesh, np.arange(3), ("door",))


def test_distance_on_a_grid_is_linear_between_voxels():
    z, y, x = np.meshgrid(*(np.arange(6) * 10.0,) * 3, indexing="ij")
    distance = distance_on_grid(Volume(2.0 * x - y + 0.5 * z, (10.0, 10.0, 10.0), (100.0, 200.0, 300.0)))
    points = np.array([[325.0, 223.0, 114.0], [311.0, 240.0, 133.0]])
    value, gradient = distance(points)
    np.testing.assert_allclose(value, (points - [300.0, 200.0, 100.0]) @ [2.0, -1.0, 0.5], rtol=1e-12)
    np.testing.assert_allclose(gradient, np.tile([2.0, -1.0, 0.5], (2, 1)), rtol=1e-12)


def test_distance_of_labels_is_that_of_the_ball_they_show():
    z, y, x = np.meshgrid(*(np.arange(40) - 19.5,) * 3, indexing="ij")
    labels = Labels((x**2 + y**2 + z**2 < 144).astype(int), (10.0, 10.0, 10.0), (-195.0, -195.0, -195.0))
    directions = np.random.default_rng(0).normal(size=(50, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    value, gradient = distance_of_labels(labels)(120.0 * directions)
    assert np.abs(value).max() < 3.0  # nm, of voxels of 10 nm
    assert (np.einsum("ij,ij->i", gradient, directions) > 0.85).all()
    with pytest.raises(CellmlError, match="empty of the labels"):
        distance_of_labels(labels, (7,))


def test_points_of_a_rim_reach_its_circle():
    mesh = ball_with_cap(0.5, refinements=3)
    cone, rim = cap_cone(0.5), {("cap", "wall"): cap_cone(0.5)}
    state = Bisection.of(mesh)
    for _ in range(3):
        state = bisect(state, np.ones(len(state.mesh.tets), bool), distance=sphere, rims=rim).bisection
    fine = state.mesh
    line = np.intersect1d(fine.facets_named("cap"), fine.facets_named("wall"))
    assert len(line) >= 2 * len(np.intersect1d(mesh.facets_named("cap"), mesh.facets_named("wall")))
    np.testing.assert_allclose(cone(fine.points[line])[0], 0.0, atol=1e-3)
    a, b, c = (fine.points[fine.facets_named("cap")[:, i]] for i in range(3))
    area = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()
    assert area == pytest.approx(2 * np.pi * 1e6 * (1 - np.cos(0.5)), rel=0.01)
    with pytest.raises(CellmlError, match="geodesic radius of 2.0"):
        ball_with_cap(2.0)
