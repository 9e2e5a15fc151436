from __future__ import annotations

import numpy as np
import pytest

from cellml.meshing.cut import volumes
from cellml.meshing.facets import surface_facets
from cellml.meshing.intersections import crossing_facets
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.separate import separate

GAP = 0.4


@pytest.fixture
def two_blocks():
    """Two blocks of about 40 nm with a gap of 0.4 nm between them, and the vertex of the lower one in the middle of the gap."""
    points, tets = body_centred_cubic(np.zeros(3), np.array([20.0, 40.0, 40.0]), np.ones((2, 4, 4), bool))
    # Slightly domed, so that no two facets lie in one plane; the wall y = 40 stays flat.
    y, x = points[:, 1] - 20.0, points[:, 0] - 20.0
    points = points + np.stack([0.002 * x * (y - 20.0), np.zeros_like(x), -0.0005 * (x**2 + y**2)], axis=1)
    both = np.concatenate([points, points * [1, 1, -1] + [0.0, 0.0, 40.0 + GAP]])
    spike = int(np.linalg.norm(points - [20.0, 20.0, 20.0], axis=1).argmin())
    mirrored = tets[:, [0, 2, 1, 3]] + len(points)
    return both, np.concatenate([tets, mirrored]), np.ones(2 * len(tets), np.int32), spike


def _crossing(points, tets, regions):
    return len(crossing_facets(points, surface_facets(tets, regions)[0]))


def test_what_does_not_cross_stays(two_blocks):
    points, tets, regions, _ = two_blocks
    moved, count = separate(points, tets, regions, {}, step_nm=1.0)
    assert count == 0
    assert moved is points


@pytest.mark.parametrize("beyond", [0.2, 1.5])
def test_sheets_that_cross_are_drawn_apart(two_blocks, beyond):
    points, tets, regions, spike = two_blocks
    points[spike, 2] += GAP + beyond
    before = points.copy()
    assert _crossing(points, tets, regions) > 0
    apart, count = separate(points, tets, regions, {}, step_nm=0.5)
    assert _crossing(apart, tets, regions) == 0
    assert (points == before).all()
    moved = np.linalg.norm(apart - points, axis=1) > 0
    assert moved.sum() == count
    assert apart[spike, 2] < points[spike, 2]
    # Only the facets about the spike give way, and no further than the rounds allow.
    assert np.abs(points[moved][:, :2] - 20.0).max() <= 20.0
    assert np.linalg.norm(apart - points, axis=1).max() <= 16 * 0.5 + 1e-9
    assert (volumes(apart, tets) > 0).all()
    assert volumes(apart, tets).sum() == pytest.approx(volumes(before, tets).sum(), rel=0.05)


def test_corners_on_a_wall_stay_in_it(two_blocks):
    points, tets, regions, _ = two_blocks
    edge = int(np.linalg.norm(points[: len(points) // 2] - [20.0, 40.0, 20.0], axis=1).argmin())
    points[edge, 2] += GAP + 1.0
    assert _crossing(points, tets, regions) > 0
    apart, count = separate(points, tets, regions, {(1, 1): 40.0}, step_nm=0.3)
    assert count > 0
    assert _crossing(apart, tets, regions) == 0
    assert (apart[points[:, 1] == 40.0, 1] == 40.0).all()


def test_no_tetrahedron_is_squeezed_even_where_that_leaves_a_crossing(two_blocks):
    points, tets, regions, spike = two_blocks
    points[spike, 2] += GAP + 0.2
    before = volumes(points, tets)
    apart, _ = separate(points, tets, regions, {}, step_nm=30.0)
    assert (volumes(apart, tets) >= 0.4**16 * before).all()


def test_interfaces_are_left_to_the_tetrahedra(two_blocks):
    points, tets, regions, spike = two_blocks
    points[spike, 2] += GAP + 0.2
    regions = np.where(points[tets].mean(axis=1)[:, 0] < 20, 1, 2).astype(np.int32)
    apart, count = separate(points, tets, regions, {}, step_nm=0.3)
    assert count > 0
    assert _crossing(apart, tets, regions) == 0
