from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.meshing.cut import CutMesh, volumes
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.quality import dihedral_angles
from cellml.meshing.refine import refine
from cellml.meshing.topology import boundary_facets, edges_of, facet_pairs

SIZE = 80.0


def _lattice(cubes=4):
    points, tets = body_centred_cubic(np.zeros(3), np.full(3, SIZE), np.ones((cubes,) * 3, bool))
    return CutMesh(points, tets, np.zeros(len(points)), np.zeros(len(points), np.int64), np.zeros(len(tets), np.int32))


def _ball(centre, radius):
    return lambda points: np.linalg.norm(points - centre, axis=1) - radius


def _sheet(points):
    """Two planes 6 nm apart."""
    return np.abs(points[:, 0] - 37.0) - 3.0


def _sound(mesh):
    pairs = facet_pairs(mesh.tets)
    assert pairs.shared.max() == 2
    outer = mesh.points[boundary_facets(mesh.tets)]
    on_wall = np.stack([(outer[:, :, axis] == value).all(axis=1) for axis in range(3) for value in (0.0, SIZE)])
    assert on_wall.any(axis=0).all()  # no facet inside the box is without a neighbour
    assert volumes(mesh.points, mesh.tets).min() > 0
    assert volumes(mesh.points, mesh.tets).sum() == pytest.approx(SIZE**3)


def _follows(mesh, value_at, tolerance, smallest):
    """Along every edge that may meet the surface φ is nearly linear, or the edge is small."""
    edges, _ = edges_of(mesh.tets)
    ends = mesh.points[edges]
    length = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    middle = value_at(ends.mean(axis=1))
    error = np.abs(middle - value_at(ends.reshape(-1, 3)).reshape(-1, 2).mean(axis=1))
    small = length <= 1.01 * smallest
    far = np.abs(middle) > 0.6 * length
    return bool((small | far | (error <= tolerance)).all())


@settings(max_examples=8, deadline=None)
@given(st.tuples(*[st.floats(25.0, 55.0)] * 3), st.floats(4.0, 24.0), st.sampled_from([1.0, 2.5]))
def test_a_ball_is_followed_conformingly(centre, radius, tolerance):
    value_at = _ball(np.array(centre), radius)
    refined = refine(_lattice(), [value_at], tolerance=tolerance, smallest=10.0, most=10**6)
    _sound(refined)
    assert _follows(refined, value_at, tolerance, 10.0)
    assert dihedral_angles(refined.points, refined.tets).min() > 29.9


def test_a_thin_sheet_is_refined_at_the_sheet_only():
    coarse = _lattice()
    refined = refine(coarse, [_sheet], tolerance=1.0, smallest=7.0, most=10**6)
    _sound(refined)
    assert _follows(refined, _sheet, 1.0, 7.0)
    middle = refined.points[refined.tets].mean(axis=1)[:, 0]
    near = np.abs(middle - 37.0) < 3.0
    size = volumes(refined.points, refined.tets)
    assert np.median(size[near]) < 0.02 * volumes(coarse.points, coarse.tets).min()
    assert size[np.abs(middle - 37.0) > 35.0].max() == pytest.approx(volumes(coarse.points, coarse.tets).max())


def test_a_plane_needs_no_refinement():
    mesh = _lattice()
    assert refine(mesh, [lambda points: points[:, 0] - 41.0], tolerance=0.1, smallest=1.0, most=10**6) is mesh


def test_edges_that_are_small_already_are_left_alone():
    value_at = _ball(np.full(3, 40.0), 9.0)
    mesh = _lattice()
    longest = 1.42 * SIZE / 4
    assert refine(mesh, [value_at], tolerance=0.01, smallest=longest, most=10**6) is mesh


def test_no_round_begins_beyond_the_largest_number():
    value_at = _ball(np.full(3, 40.0), 21.0)
    mesh = _lattice()
    limited = refine(mesh, [value_at], tolerance=0.01, smallest=0.5, most=2000)
    assert 2000 <= len(limited.tets) < 40_000
    _sound(limited)


def test_the_wall_stays_exactly_flat():
    value_at = _ball(np.array([0.0, 40.0, 40.0]), 15.0)
    refined = refine(_lattice(), [value_at], tolerance=0.5, smallest=4.0, most=10**6)
    _sound(refined)
    at_wall = (np.abs(refined.points[:, 0]) < 1e-6) & (value_at(refined.points) < 4)
    assert at_wall.sum() > 30
    assert (refined.points[at_wall, 0] == 0.0).all()


def test_several_surfaces_are_followed_at_once():
    fields = [_ball(np.array([25.0, 40.0, 40.0]), 12.0), _ball(np.array([60.0, 40.0, 40.0]), 9.0)]
    refined = refine(_lattice(), fields, tolerance=1.0, smallest=10.0, most=10**6)
    _sound(refined)
    assert all(_follows(refined, field, 1.0, 10.0) for field in fields)


def test_what_is_not_known_everywhere_may_be_huge():
    def known_near(points):
        value = _ball(np.full(3, 40.0), 12.0)(points)
        return np.where(value < 20.0, value, 1e30)

    refined = refine(_lattice(), [known_near], tolerance=1.0, smallest=10.0, most=10**6)
    _sound(refined)
    assert _follows(refined, _ball(np.full(3, 40.0), 12.0), 1.0, 10.0)
