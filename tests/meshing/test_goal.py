from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.meshing.goal import Goal
from cellml.meshing.quality import dihedral_angles, surface_angles

GOAL = Goal(dihedral_deg=15.0, surface_min_deg=25.0, surface_max_deg=120.0)
REGULAR = np.array([[1.0, 1, 1], [-1, 1, -1], [1, -1, -1], [-1, -1, 1]])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_tetrahedra_are_scored_by_the_dihedral_angle_nearest_to_0_or_180_degrees(seed):
    corners = np.random.default_rng(seed).normal(size=(5, 4, 3))
    score = GOAL.tets(corners)
    positive = np.linalg.det(corners[:, 1:] - corners[:, :1]) > 0
    assert (score[~positive] == -1).all()
    tets = np.arange(20).reshape(5, 4)[positive]
    angle = dihedral_angles(corners.reshape(-1, 3), tets)
    expected = np.minimum(angle.min(axis=1), 180.0 - angle.max(axis=1)) / 15.0
    assert score[positive] == pytest.approx(expected, abs=1e-3)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_facets_are_scored_by_the_angle_furthest_from_its_bound(seed):
    corners = np.random.default_rng(seed).normal(size=(6, 3, 3))
    angle = surface_angles(corners.reshape(-1, 3), np.arange(18).reshape(6, 3))
    expected = np.minimum(angle.min(axis=1) / 25.0, (180.0 - angle.max(axis=1)) / 60.0)
    assert GOAL.facets(corners) == pytest.approx(expected)
    assert ((GOAL.facets(corners) >= 1) == ((angle.min(axis=1) >= 25) & (angle.max(axis=1) <= 120))).all()


def test_any_number_of_leading_axes_is_taken():
    stack = np.random.default_rng(0).normal(size=(2, 3, 4, 3))
    assert GOAL.tets(stack) == pytest.approx(np.array([[GOAL.tets(tet) for tet in row] for row in stack]))
    assert GOAL.facets(stack[..., :3, :]).shape == (2, 3)


def test_regular_flat_and_inverted_tetrahedra():
    assert GOAL.tets(REGULAR) == pytest.approx(np.degrees(np.arccos(1 / 3)) / 15.0)
    assert GOAL.tets(REGULAR[[0, 1, 3, 2]]) == -1.0
    assert GOAL.tets(REGULAR * [1, 1, 0]) == -1.0
    assert GOAL.tets(np.zeros((4, 3))) == -1.0
