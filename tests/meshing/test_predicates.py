from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.meshing.predicates import Orientation, exactly_positive

GRID = st.integers(-3, 3).map(float)
NEARLY = st.builds(lambda base, last: base + last * 2.0**-50, st.integers(-2, 2), st.integers(-2, 2))
ANY = st.floats(allow_nan=False, allow_infinity=False)
HUGE_AND_TINY = st.sampled_from([0.0, 1.0, -1.0, 1e300, -1e300, 1e-300, -1e-300, 5e-324, 3e-170, 1e-17])


def _points(coordinate, count):
    return st.lists(st.tuples(coordinate, coordinate, coordinate), min_size=count, max_size=count).map(np.array)


def _sign(rows):
    """Sign of a determinant of fractions by Laplace's expansion."""

    def determinant(m):
        if len(m) == 1:
            return m[0][0]
        return sum((-1) ** i * m[0][i] * determinant([row[:i] + row[i + 1 :] for row in m[1:]]) for i in range(len(m)))

    value = determinant(rows)
    return (value > 0) - (value < 0)


def _differences(points, axes):
    first, *rest = [[Fraction(p[axis]) for axis in axes] for p in points]
    return [[x - y for x, y in zip(point, first, strict=True)] for point in rest]


@settings(max_examples=300, deadline=None)
@given(st.one_of(*(_points(c, 4) for c in (GRID, NEARLY, ANY, HUGE_AND_TINY))))
def test_orientation_of_tetrahedra_is_that_in_fractions(points):
    assert Orientation(points).of_tetrahedra(np.array([[0, 1, 2, 3]])).tolist() == [_sign(_differences(points, (0, 1, 2)))]


@settings(max_examples=300, deadline=None)
@given(st.one_of(*(_points(c, 3) for c in (GRID, NEARLY, ANY, HUGE_AND_TINY))), st.integers(0, 2))
def test_orientation_of_triangles_is_that_in_fractions(points, dropped):
    axes = ((dropped + 1) % 3, (dropped + 2) % 3)
    assert Orientation(points).of_triangles(np.array([[0, 1, 2]]), dropped).tolist() == [_sign(_differences(points, axes))]


def test_many_at_a_time_are_the_same_as_one_at_a_time(monkeypatch):
    monkeypatch.setattr("cellml.meshing.predicates._CHUNK", 7)
    rng = np.random.default_rng(0)
    points = rng.integers(-2, 3, (30, 3)) + rng.integers(-1, 2, (30, 3)) * 2.0**-51
    quads = rng.integers(0, 30, (100, 4))
    expected = [_sign(_differences(points[q], (0, 1, 2))) for q in quads]
    assert 0 < np.count_nonzero(expected) < 100
    assert Orientation(points).of_tetrahedra(quads).tolist() == expected


@pytest.mark.parametrize(("height", "positive"), [(1.0, True), (-1.0, False), (0.0, False), (2.0**-60, True), (-(2.0**-60), False)])
def test_a_tetrahedron_flat_to_round_off_is_told_from_a_flat_one(height, positive):
    points = np.array([[0.1, 0.1, 0.0], [0.7, 0.1, 0.0], [0.1, 0.9, 0.0], [0.3, 0.3, height]])
    assert exactly_positive(points, np.array([[0, 1, 2, 3]])).tolist() == [positive]


def test_doubles_decide_the_usual_case(monkeypatch):
    """No whole numbers are needed for a mesh whose tetrahedra are far from flat, or facets exactly in a plane across an axis."""
    monkeypatch.setattr(Orientation, "_exact", None)
    points = np.random.default_rng(0).normal(size=(100, 3))
    Orientation(points).of_tetrahedra(np.arange(100).reshape(-1, 4))
    points[:, 1] = 0.3
    assert not Orientation(points).of_tetrahedra(np.arange(100).reshape(-1, 4)).any()
