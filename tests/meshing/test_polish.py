from __future__ import annotations

import numpy as np
import pytest

from cellml.meshing.cut import volumes
from cellml.meshing.facets import surface_facets
from cellml.meshing.goal import Goal
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.polish import polish
from cellml.meshing.quality import dihedral_angles, surface_angles
from cellml.meshing.topology import boundary_facets, facet_pairs, surface_topology

GOAL = Goal(dihedral_deg=12.0, surface_min_deg=22.0, surface_max_deg=128.0)
WALLS = {(0, 0): 0.0, (0, 1): 40.0}


def _block():
    points, tets = body_centred_cubic(np.zeros(3), np.full(3, 40.0), np.ones((4, 4, 4), bool))
    return points, tets, np.where(points[tets].mean(axis=1)[:, 0] < 20.0, 1, 2).astype(np.int32)


def _with_slivers(seed, count):
    """A block in which some vertices lie almost in the plane of a face opposite to them, and those around in the middle of their edges."""
    points, tets, regions = _block()
    rng = np.random.default_rng(seed)
    outer = np.unique(boundary_facets(tets))
    inner = np.setdiff1d(tets, outer)
    spoilt = np.zeros(len(points), bool)
    for vertex in rng.permutation(inner):
        star = tets[(tets == vertex).any(axis=1)]
        if spoilt[star].any():
            continue
        face = star[0][star[0] != vertex]
        points[vertex] += 0.97 * (points[face].mean(axis=0) - points[vertex])
        spoilt[vertex] = True
        if spoilt.sum() == count:
            break
    for vertex in rng.permutation(outer)[:count]:
        star = tets[(tets == vertex).any(axis=1)]
        if spoilt[star].any() or np.isin(points[vertex], (0.0, 40.0)).sum() > 1:
            continue
        ring = np.setdiff1d(np.intersect1d(star, outer), vertex)
        moved = points.copy()
        moved[vertex] += 0.9 * (points[ring[0]] - points[vertex])
        if volumes(moved, star).min() > 0:
            points, spoilt[vertex] = moved, True
    return points, tets, regions


def _worst(points, tets, regions):
    facets = surface_facets(tets, regions)[0]
    angle = surface_angles(points, facets)
    return dihedral_angles(points, tets).min(), angle.min(), angle.max()


@pytest.fixture(scope="module")
def slivers():
    given = _with_slivers(0, 6)
    return given, polish(*given, WALLS, goal=GOAL, reach_nm=2.0)


def test_slivers_become_good(slivers):
    given, polished = slivers
    before, after = _worst(*given), _worst(polished.points, polished.tets, polished.regions)
    assert before[0] < 5
    assert after[0] >= 12
    assert after[1] >= 22
    assert after[2] <= 128
    assert polished.bad_before >= 6
    assert polished.bad_after == 0
    assert polished.changes > 0


def test_polished_mesh_conforms_and_keeps_volumes_and_topology(slivers):
    (points, tets, regions), polished = slivers
    assert facet_pairs(polished.tets).shared.max() == 2
    assert volumes(polished.points, polished.tets).min() > 0
    assert len(np.unique(polished.tets)) == len(polished.points)
    for region in (1, 2):
        before, after = (boundary_facets(t[r == region]) for t, r in ((tets, regions), (polished.tets, polished.regions)))
        assert surface_topology(after).manifold
        assert surface_topology(after).euler == surface_topology(before).euler
        was, now = volumes(points, tets)[regions == region].sum(), volumes(polished.points, polished.tets)[polished.regions == region].sum()
        assert now == pytest.approx(was, rel=0.03)


def test_points_of_a_plane_stay_in_it(slivers):
    _, polished = slivers
    for side in (0.0, 40.0):
        outer = polished.points[boundary_facets(polished.tets)]
        on_plane = (outer[:, :, 2] == side).all(axis=1)
        a, b, c = (outer[on_plane][:, i] for i in range(3))
        assert 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() == pytest.approx(1600.0, rel=0.05)
    assert (polished.points[:, 2] >= 0).all()
    assert (polished.points[:, 2] <= 40).all()


def test_input_is_left_alone_and_good_meshes_come_back_as_they_are(slivers):
    points, tets, regions = _block()
    kept = points.copy(), tets.copy(), regions.copy()
    same = polish(points, tets, regions, WALLS, goal=GOAL, reach_nm=2.0)
    assert same.points is points
    assert (same.bad_before, same.bad_after, same.changes) == (0, 0, 0)
    (spoilt, others, numbers), _ = slivers
    again = _with_slivers(0, 6)
    assert all(np.array_equal(a, b) for a, b in zip((spoilt, others, numbers), again, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip((points, tets, regions), kept, strict=True))


@pytest.mark.parametrize("seed", [0])
def test_the_worst_never_gets_worse(seed):
    """A goal out of reach: what can be mended is, and nothing gets worse for it."""
    points, tets = body_centred_cubic(np.zeros(3), np.full(3, 20.0), np.ones((2, 2, 2), bool))
    shift = np.random.default_rng(seed).normal(scale=1.5, size=points.shape)
    while (bad := volumes(points + shift, tets) < 20).any():
        shift[np.unique(tets[bad])] *= 0.8
    points, regions = points + shift, np.ones(len(tets), np.int32)
    goal = Goal(dihedral_deg=28.0, surface_min_deg=30.0, surface_max_deg=110.0)
    polished = polish(points, tets, regions, {}, goal=goal, reach_nm=0.5)

    def score(points, tets, regions):
        return min(goal.tets(points[tets]).min(), goal.facets(points[surface_facets(tets, regions)[0]]).min())

    assert score(points, tets, regions) < 1
    assert score(polished.points, polished.tets, polished.regions) >= score(points, tets, regions)
    assert polished.bad_after <= polished.bad_before
