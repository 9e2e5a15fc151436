from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.meshing.closest import RectanglePieces, TrianglePieces, closest
from cellml.meshing.label_boundary import Rectangles
from cellml.meshing.surface_samples import sample_triangles


def _pieces(corners, edge=1.0):
    small = sample_triangles(corners, edge)
    return TrianglePieces(corners, small.centroids, small.owner, small.reach)


def _to_triangle(p, a, b, c):
    """Closest point by the regions of Ericson (2005, "Real-Time Collision Detection", 5.1.5), for one point."""
    ab, ac, ap, bp, cp = b - a, c - a, p - a, p - b, p - c
    d1, d2, d3, d4, d5, d6 = ab @ ap, ac @ ap, ab @ bp, ac @ bp, ab @ cp, ac @ cp
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    if d1 <= 0 and d2 <= 0:
        q = a
    elif d3 >= 0 and d4 <= d3:
        q = b
    elif vc <= 0 and d1 >= 0 and d3 <= 0:
        q = a + ab * d1 / (d1 - d3)
    elif d6 >= 0 and d5 <= d6:
        q = c
    elif vb <= 0 and d2 >= 0 and d6 <= 0:
        q = a + ac * d2 / (d2 - d6)
    elif va <= 0 and d4 >= d3 and d5 >= d6:
        q = b + (c - b) * (d4 - d3) / (d4 - d3 + d5 - d6)
    else:
        q = a + (ab * vb + ac * vc) / (va + vb + vc)
    return np.linalg.norm(p - q)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10.0))
def test_distances_to_triangles_agree_with_a_readable_twin(seed, size):
    rng = np.random.default_rng(seed)
    corners = rng.normal(size=(7, 1, 3)) + size * rng.normal(size=(7, 3, 3))
    points = 2.0 * rng.normal(size=(15, 3))
    expected = np.array([[_to_triangle(p, *t) for t in corners] for p in points])
    distance, which = closest(_pieces(corners), points)
    np.testing.assert_allclose(distance, expected.min(axis=1), atol=1e-9)
    np.testing.assert_allclose(expected[np.arange(15), which], expected.min(axis=1), atol=1e-9)


@pytest.mark.parametrize(
    ("corners", "point", "distance"),
    [
        ([[0, 0, 0], [4, 0, 0], [1, 0, 0]], [2, 3, 0], 3.0),  # no area: the segment of its longest edge
        ([[1, 0, 0], [0, 0, 0], [4, 0, 0]], [6, 0, 0], 2.0),
        ([[1, 1, 1], [1, 1, 1], [1, 1, 1]], [1, 1, 5], 4.0),  # a point
    ],
)
def test_triangles_of_no_area(corners, point, distance):
    assert closest(_pieces(np.array([corners], float)), np.array([point], float))[0] == pytest.approx([distance])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_distances_to_rectangles_agree_with_those_to_their_triangles(seed):
    rng = np.random.default_rng(seed)
    halves = rng.uniform(0.2, 2.0, size=(30, 3))
    halves[np.arange(30), rng.integers(0, 3, 30)] = 0.0
    rectangles = Rectangles(3.0 * rng.normal(size=(30, 3)), halves)
    points = 3.0 * rng.normal(size=(40, 3))
    distance, which = closest(RectanglePieces(rectangles), points)
    expected, triangle = closest(_pieces(rectangles.triangles()), points)
    np.testing.assert_allclose(distance, expected, atol=1e-9)
    assert (which == triangle % 30).mean() > 0.9  # a shared edge belongs to two


def test_points_on_a_piece_have_distance_zero():
    corners = np.array([[[0, 0, 0], [8, 0, 0], [0, 8, 0]]], float)
    assert closest(_pieces(corners), np.array([[0, 0, 0], [4, 4, 0], [2, 2, 0], [8, 0, 0.0]]))[0] == pytest.approx(0.0)


def test_far_away_every_piece_is_a_candidate_and_memory_stays(monkeypatch):
    monkeypatch.setattr("cellml.meshing.closest._MOST", 500)
    rng = np.random.default_rng(0)
    corners = np.zeros((40, 3, 3)) + rng.normal(size=(40, 1, 3)) * [5, 5, 0] + rng.normal(size=(40, 3, 3)) * [1, 1, 0]
    points = rng.normal(size=(30, 3)) + np.array([0, 0, 1e4])
    expected = [min(_to_triangle(p, *t) for t in corners) for p in points]
    np.testing.assert_allclose(closest(_pieces(corners), points)[0], expected, rtol=1e-12)
