from __future__ import annotations

import numpy as np
import pytest

from cellml.meshing.cut import volumes
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.offset import restore_volume
from cellml.meshing.topology import boundary_facets

POINTS, TETS = body_centred_cubic(np.zeros(3), np.full(3, 40.0), np.ones((4, 4, 4), bool))
OUTER = boundary_facets(TETS)


@pytest.mark.parametrize("target", [63000.0, 65500.0])
def test_volume_becomes_the_target(target):
    moved, distance = restore_volume(POINTS, TETS, OUTER, {}, target, limit=1.0)
    assert volumes(moved, TETS).sum() == pytest.approx(target, rel=1e-6)
    assert np.sign(distance) == np.sign(target - 64000.0)


def test_move_is_limited():
    moved, distance = restore_volume(POINTS, TETS, OUTER, {}, 90000.0, limit=0.5)
    assert distance == 0.5
    assert np.linalg.norm(moved - POINTS, axis=1).max() == pytest.approx(0.5)


def test_walls_stay_flat():
    on_wall = (POINTS[OUTER][:, :, 2] == 0).all(axis=1)
    moved, _ = restore_volume(POINTS, TETS, OUTER[~on_wall], {(0, 0): 0.0}, 65000.0, limit=1.0)
    assert (moved[POINTS[:, 2] == 0.0, 2] == 0.0).all()
    assert volumes(moved, TETS).sum() == pytest.approx(65000.0, rel=1e-6)


def test_move_that_would_crush_a_tetrahedron_is_not_made():
    moved, distance = restore_volume(POINTS, TETS, OUTER, {}, 100.0, limit=100.0)
    assert distance == 0.0
    assert (moved == POINTS).all()
