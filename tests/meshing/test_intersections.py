from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.meshing.intersections import crossing_facets, flat_facets, hanging_vertices
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.topology import boundary_facets

BASE = np.array([[0.0, 0, 0], [4, 0, 0], [0, 4, 0]])


def _crosses(points, faces):
    return len(crossing_facets(np.array(points, float), np.array(faces))) > 0


@pytest.mark.parametrize(
    ("other", "crosses"),
    [
        ([[1, 1, -1], [1, 1, 1], [9, 9, 0.5]], True),  # an edge of the second through the first
        ([[-5, 1, -1], [9, 1, -1], [2, 1, 9]], True),  # edges of the first through the second
        ([[0, 0, 1], [4, 0, 1], [0, 4, 1]], False),  # parallel, apart
        ([[3, 3, -1], [3, 3, 1], [9, 9, 0.5]], False),  # boxes overlap, triangles do not
        ([[1, 1, 0], [1, 1, 3], [5, 5, 3]], True),  # a corner on the first
        ([[2, 2, 0], [2, 2, 3], [5, 5, 3]], True),  # a corner on an edge
        ([[0, 0, 0], [-1, 0, 3], [-1, -1, 3]], True),  # a corner on a corner, not joined
        ([[1, 1, 0], [2, 1, 0], [1, 2, 0]], True),  # in the same plane, inside
        ([[-9, -9, 0], [20, -9, 0], [-9, 20, 0]], True),  # in the same plane, around
        ([[3, 3, 0], [5, 3, 0], [3, 5, 0]], False),  # in the same plane, beside
        ([[2, 2, 2**-60], [2, 2, 3], [5, 5, 3]], False),  # apart by less than round-off
    ],
)
def test_pairs_of_triangles(other, crosses):
    assert _crosses([*BASE, *other], [[0, 1, 2], [3, 4, 5]]) == crosses


@pytest.mark.parametrize(
    ("faces", "more", "crosses"),
    [
        ([[0, 1, 2], [1, 3, 2]], [[4, 4, 0]], False),  # neighbours in a plane
        ([[0, 1, 2], [1, 3, 2]], [[2, 2, 3]], False),  # neighbours at an angle
        ([[0, 1, 2], [1, 3, 2]], [[1, 1, 0]], True),  # folded back
        ([[0, 1, 2], [1, 2, 3]], [[-9, -9, 0]], True),  # folded back around the other
        ([[0, 1, 2], [2, 0, 1]], [], True),  # the same twice
        ([[0, 1, 2], [0, 3, 4]], [[-1, 0, 0], [0, -1, 0]], False),  # point to point in a plane
        ([[0, 1, 2], [0, 3, 4]], [[1, 1, 0], [0, 0, 5]], True),  # an edge from the common vertex into the facet
        ([[0, 1, 2], [0, 3, 4]], [[1, 1, -1], [1, 1, 1]], True),  # a wing through the facet
        ([[0, 1, 2], [0, 3, 4]], [[9, 0, 0], [9, -9, 0]], True),  # an edge along an edge
        ([[0, 1, 2], [0, 3, 4]], [[5, 5, 1], [6, 5, 1]], False),
    ],
)
def test_pairs_of_neighbours(faces, more, crosses):
    assert _crosses([*BASE, *more], faces) == crosses


def _halfspaces(triangle):
    """Half-spaces n·(x − p) ≥ 0 whose intersection is the triangle: its plane from both sides, and one through each edge."""
    a, b, c = triangle
    normal = _cross(_minus(b, a), _minus(c, a))
    edges = [(_cross(normal, _minus(q, p)), p) for p, q in ((a, b), (b, c), (c, a))]
    return [(normal, a), ([-x for x in normal], a), *edges]


def _minus(u, v):
    return [x - y for x, y in zip(u, v, strict=True)]


def _cross(u, v):
    return [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]]


def _dot(u, v):
    return sum(x * y for x, y in zip(u, v, strict=True))


def _common_part(a, b):
    """Corners of the common part of two triangles: the first clipped by the half-spaces of the second, in fractions."""
    polygon = a
    for normal, through in _halfspaces(b):
        kept = []
        for p, q in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            s, t = _dot(normal, _minus(p, through)), _dot(normal, _minus(q, through))
            if s >= 0:
                kept.append(p)
            if s * t < 0:
                kept.append([x + (y - x) * s / (s - t) for x, y in zip(p, q, strict=True)])
        polygon = kept
    return polygon


def _slowly(points, faces):
    exact = [[Fraction(x) for x in p] for p in points.tolist()]
    found = []
    for (i, f), (j, g) in combinations(enumerate(faces.tolist()), 2):
        a, b = [exact[v] for v in f], [exact[v] for v in g]
        if any(_cross(_minus(t[1], t[0]), _minus(t[2], t[0])) == [0, 0, 0] for t in (a, b)):
            continue
        shared = [exact[v] for v in set(f) & set(g)]
        if any(not _in_hull(p, shared) for p in _common_part(a, b)) or len(shared) == 3:
            found.append([i, j])
    return found


def _in_hull(p, shared):
    """Whether a common point of both triangles is the common vertex or on the line of the common edge."""
    if len(shared) < 2:
        return p in shared
    return _cross(_minus(shared[1], shared[0]), _minus(p, shared[0])) == [0, 0, 0]


def _soup(seed, count, side, last_digits):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, side, (count, 3)).astype(float)
    points += last_digits * rng.integers(-1, 2, points.shape) * 2.0**-50
    return points, np.array([rng.choice(count, 3, replace=False) for _ in range(12)])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(5, 20), st.integers(2, 5), st.booleans())
def test_pairs_are_those_of_clipping_in_fractions(seed, count, side, last_digits):
    points, faces = _soup(seed, count, side, last_digits)
    assert crossing_facets(points, faces).tolist() == _slowly(points, faces)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_pairs_in_one_plane_are_those_of_clipping_in_fractions(seed):
    points, faces = _soup(seed, 12, 5, False)
    points[:, 2] = points[:, 0] - 2 * points[:, 1]
    assert crossing_facets(points, faces).tolist() == _slowly(points, faces)


def test_a_closed_surface_does_not_cross_itself_until_pushed_through():
    points, tets = body_centred_cubic(np.zeros(3), np.full(3, 60.0), np.ones((6, 6, 6), bool))
    faces = boundary_facets(tets)
    assert len(crossing_facets(points, faces)) == 0
    pushed = points.copy()
    pushed[np.argmin(np.linalg.norm(points - [30, 30, 0], axis=1)), 2] = 70.0  # the middle of one face through the opposite one
    assert len(crossing_facets(pushed, faces)) > 0


def test_facets_of_no_area_are_listed_apart():
    points = np.array([[0.0, 0, 0], [1, 1, 1], [3, 3, 3], [1, 0, 0], [0, 1, 0]])
    faces = np.array([[0, 1, 2], [0, 3, 4], [1, 1, 4]])
    assert flat_facets(points, faces).tolist() == [0, 2]
    assert crossing_facets(points, faces).tolist() == []


def test_no_facets():
    assert crossing_facets(np.zeros((0, 3)), np.zeros((0, 3), int)).shape == (0, 2)
    assert flat_facets(np.zeros((0, 3)), np.zeros((0, 3), int)).shape == (0,)


def test_vertices_that_hang_in_an_edge_or_a_facet():
    points = np.array([*BASE, [2.0, 2, 0], [1, 1, 0], [5, 5, 5], [4, 5, 5], [0, 9, 9]])
    faces = np.array([[0, 1, 2], [3, 5, 6], [4, 7, 5]])  # one vertex in the middle of an edge, one in that of the facet
    crossing = crossing_facets(points, faces)
    assert hanging_vertices(points, faces, crossing).tolist() == [3, 4]
    assert hanging_vertices(points, faces, crossing[:0]).tolist() == []


def test_facets_that_pierce_each_other_have_no_hanging_vertex():
    points = np.array([*BASE, [1, 1, -1], [1, 1, 1], [9, 9, 0.5]])
    faces = np.array([[0, 1, 2], [3, 4, 5]])
    assert hanging_vertices(points, faces, crossing_facets(points, faces)).tolist() == []
