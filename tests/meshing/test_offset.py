from __future__ import annotations

import numpy as np
import pytest

from cellml.meshing.cut import volumes
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.offset import restore_volumes
from cellml.meshing.topology import boundary_facets

POINTS, TETS = body_centred_cubic(np.zeros(3), np.full(3, 40.0), np.ones((4, 4, 4), bool))
ONE = np.ones(len(TETS), np.int32)
MIDDLE = POINTS[TETS].mean(axis=1)
SIDES = np.where(MIDDLE[:, 0] < 20.0, 1, 2).astype(np.int32)  # the lattice has a ragged, but closed, interface


def _volumes(points, regions):
    return {int(n): float(volumes(points, TETS)[regions == n].sum()) for n in np.unique(regions)}


@pytest.mark.parametrize("target", [63000.0, 65500.0])
def test_volume_becomes_the_target(target):
    moved, distance = restore_volumes(POINTS, TETS, ONE, {}, {1: target}, limit=1.0)
    assert volumes(moved, TETS).sum() == pytest.approx(target, rel=1e-6)
    assert 0 < distance <= 1.0
    grown = np.abs(moved - 20.0).max() > 20.0
    assert grown == (target > 64000.0)


def test_inner_points_stay():
    moved, _ = restore_volumes(POINTS, TETS, ONE, {}, {1: 65000.0}, limit=1.0)
    inner = np.setdiff1d(np.arange(len(POINTS)), boundary_facets(TETS))
    assert (moved[inner] == POINTS[inner]).all()


def test_a_ball_gets_the_volume_that_its_flat_facets_cut_off():
    centred = POINTS - 20.0
    radius = 20.0 * np.abs(centred).max(axis=1) / np.maximum(np.linalg.norm(centred, axis=1), 1e-9) / 20.0
    ball = centred * radius[:, None]  # concentric cubes become concentric spheres
    target = 4 / 3 * np.pi * 20.0**3
    missing = 1 - volumes(ball, TETS).sum() / target
    assert 0.02 < missing < 0.15
    moved, distance = restore_volumes(ball, TETS, ONE, {}, {1: target}, limit=5.0)
    assert volumes(moved, TETS).sum() == pytest.approx(target, rel=1e-4)
    area = 4 * np.pi * 20.0**2
    assert distance == pytest.approx(missing * target / area, rel=0.2)
    outer = np.unique(boundary_facets(TETS))
    assert np.ptp(np.linalg.norm(moved[outer], axis=1)) < 0.5 * distance  # still round


@pytest.mark.parametrize("targets", [{1: 32500.0, 2: 31500.0}, {1: 33000.0, 2: 32000.0}, {1: 31000.0, 2: 31500.0}])
def test_two_regions_with_an_interface_both_reach_their_targets(targets):
    before = _volumes(POINTS, SIDES)
    assert sum(before.values()) == pytest.approx(64000.0)
    moved, distance = restore_volumes(POINTS, TETS, SIDES, {}, targets, limit=3.0)
    assert _volumes(moved, SIDES) == pytest.approx(targets, rel=5e-4)
    assert distance < 1.5
    assert volumes(moved, TETS).min() > 0


def test_of_all_moves_the_smallest_is_taken():
    """A region grows at its neighbour's cost over their interface and its own outside together, less than over the interface alone."""
    before = _volumes(POINTS, SIDES)
    moved, distance = restore_volumes(POINTS, TETS, SIDES, {}, {1: before[1] + 400.0, 2: before[2] - 400.0}, limit=3.0)
    assert distance < 0.5 * 400.0 / 40.0**2  # the interface alone would take this
    outer = np.unique(boundary_facets(TETS))
    left, right = (outer[(POINTS[outer, 0] - 20.0) * side > 0] for side in (-1, 1))
    assert np.abs(moved[left] - 20.0).max() > 20.0
    assert np.abs(moved[right] - 20.0).max() < 20.0


def test_move_is_limited():
    moved, distance = restore_volumes(POINTS, TETS, ONE, {}, {1: 90000.0}, limit=0.5)
    assert distance == 0.5
    assert np.linalg.norm(moved - POINTS, axis=1).max() == pytest.approx(0.5)


def test_walls_stay_flat():
    moved, _ = restore_volumes(POINTS, TETS, ONE, {(0, 0): 0.0}, {1: 65000.0}, limit=1.0)
    assert (moved[POINTS[:, 2] == 0.0, 2] == 0.0).all()
    assert (moved[POINTS[:, 2] == 40.0, 2] > 40.0).all()
    assert volumes(moved, TETS).sum() == pytest.approx(65000.0, rel=1e-6)


def test_a_block_of_walls_only_cannot_move():
    walls = {(axis, side): 40.0 * side for axis in range(3) for side in (0, 1)}
    moved, distance = restore_volumes(POINTS, TETS, ONE, walls, {1: 65000.0}, limit=1.0)
    assert distance == 0.0
    assert (moved == POINTS).all()


def test_move_that_would_crush_a_tetrahedron_is_not_made():
    moved, distance = restore_volumes(POINTS, TETS, ONE, {}, {1: 100.0}, limit=100.0)
    assert distance == 0.0
    assert (moved == POINTS).all()
