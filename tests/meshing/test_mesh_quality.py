from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellml.meshing.quality import dihedral_angles, radius_ratio, surface_angles

REGULAR = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
CORNER = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
ONE = np.array([[0, 1, 2, 3]])


def test_regular_tetrahedron():
    assert dihedral_angles(REGULAR, ONE) == pytest.approx(np.full((1, 6), np.degrees(np.arccos(1 / 3))))
    assert radius_ratio(REGULAR, ONE) == pytest.approx([1.0])


def test_corner_of_a_cube():
    right, oblique = 90.0, np.degrees(np.arctan(np.sqrt(2)))
    assert dihedral_angles(CORNER, ONE)[0] == pytest.approx([right, right, right, oblique, oblique, oblique])
    # r_in = 3V / ΣA = (1/2) / (3/2 + √3/2), r_circ = √3/2
    assert radius_ratio(CORNER, ONE)[0] == pytest.approx(3 * (0.5 / (1.5 + np.sqrt(3) / 2)) / (np.sqrt(3) / 2))


def test_flat_tetrahedron_has_angles_0_and_180():
    flat = np.array([[0.0, 0, 0], [1, 1, 0], [0, 1, 0], [1, 0, 1e-12]])
    angles = dihedral_angles(flat, np.array([[0, 1, 2, 3]]))
    assert angles.min() < 1e-6
    assert angles.max() > 180 - 1e-6
    assert radius_ratio(flat, ONE)[0] < 1e-11


def test_surface_angles_of_known_triangles():
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0.5, np.sqrt(3) / 2, 0]])
    assert surface_angles(points, np.array([[0, 1, 2], [0, 1, 3]])) == pytest.approx(np.array([[90, 45, 45], [60, 60, 60]]))


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1e6))
def test_shape_does_not_depend_on_scale_place_or_turn(seed, scale):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(4, 3))
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    order = ONE if np.linalg.det(points[1:] - points[0]) > 0 else ONE[:, [0, 1, 3, 2]]
    moved = scale * points @ turn.T + scale * rng.normal(size=3)
    assert dihedral_angles(moved, order) == pytest.approx(dihedral_angles(points, order), abs=1e-3)
    assert radius_ratio(moved, order) == pytest.approx(radius_ratio(points, order), rel=1e-6, abs=1e-9)


@given(st.integers(0, 2**32 - 1))
def test_dihedral_angles_agree_with_a_readable_twin(seed):
    points = np.random.default_rng(seed).normal(size=(4, 3))
    order = ONE if np.linalg.det(points[1:] - points[0]) > 0 else ONE[:, [0, 1, 3, 2]]
    expected = [_angle_at_edge(points[order[0]], i, j) for i, j in ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))]
    assert dihedral_angles(points, order)[0] == pytest.approx(expected, abs=1e-3)


def _angle_at_edge(p, i, j):
    """The angle between the other two corners, seen along the edge."""
    k, m = (c for c in range(4) if c not in (i, j))
    along = (p[j] - p[i]) / np.linalg.norm(p[j] - p[i])
    u, v = (p[c] - p[i] - along * np.dot(along, p[c] - p[i]) for c in (k, m))
    return np.degrees(np.arccos(np.clip(np.dot(u, v) / np.linalg.norm(u) / np.linalg.norm(v), -1, 1)))
