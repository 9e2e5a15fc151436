from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.meshing.cut import CutMesh, split_at_level, volume_below, volume_preserving_level, volumes, warp_to_level
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.quality import dihedral_angles
from cellml.meshing.topology import boundary_facets, facet_pairs, surface_topology


def _block(fields, cubes: int = 8) -> CutMesh:
    points, tets = body_centred_cubic(np.zeros(3), np.full(3, float(cubes)), np.ones((cubes,) * 3, bool))
    values = np.column_stack([field(points) for field in fields])
    return CutMesh(points, tets, values, np.zeros(len(points), np.int64), np.zeros(len(tets), np.int32))


def _ball(points):
    return np.linalg.norm(points - 4.0, axis=1) - 2.7


def _split(mesh, share=0.35, field=0, region=0, inside=1, outside=2):
    warped = warp_to_level(mesh, field, share=share, frozen=np.zeros(len(mesh.points), bool))
    return split_at_level(warped, field, region=region, inside=inside, outside=outside, bit=64 << field)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.35])
def test_cut_conforms_and_keeps_the_volume(share):
    cut = _split(_block([_ball]), share)
    assert volumes(cut.points, cut.tets).min() > 0
    assert volumes(cut.points, cut.tets).sum() == pytest.approx(512.0)
    assert facet_pairs(cut.tets).shared.max() == 2
    inside = boundary_facets(cut.tets[cut.regions == 1])
    topology = surface_topology(inside)
    assert topology.manifold
    assert topology.euler == 2
    assert np.abs(cut.fields[np.unique(inside), 0]).max() == 0
    assert np.abs(_ball(cut.points[np.unique(inside)])).max() < 0.15  # chords of a sphere over edges up to 1


def test_warp_improves_the_smallest_angle():
    angles = [dihedral_angles(cut.points, cut.tets).min() for cut in (_split(_block([_ball]), share) for share in (0.0, 0.35))]
    assert angles[0] < 8
    assert angles[1] > 12


def test_warp_stays_in_the_surface_that_holds_a_vertex():
    mesh = _block([_ball])
    held = (mesh.points[:, 2] == 4.0).astype(np.int64)
    mesh = CutMesh(mesh.points, mesh.tets, mesh.fields, held, mesh.regions)
    warped = warp_to_level(mesh, 0, share=0.35, frozen=np.zeros(len(held), bool))
    moved = (warped.points != mesh.points).any(axis=1)
    assert (moved & (held == 1)).any()
    assert (warped.points[held == 1, 2] == 4.0).all()


def test_frozen_vertices_do_not_move():
    mesh = _block([_ball])
    warped = warp_to_level(mesh, 0, share=0.35, frozen=np.ones(len(mesh.points), bool))
    assert (warped.points == mesh.points).all()


def test_second_cut_divides_one_region_only_and_conforms():
    cut = _split(_block([_ball, lambda p: p[:, 0] - 4.13]))
    cut = _split(cut, field=1, region=1, inside=3, outside=4)
    assert set(cut.regions.tolist()) == {2, 3, 4}
    assert facet_pairs(cut.tets).shared.max() == 2
    assert volumes(cut.points, cut.tets).min() > 0
    left = cut.points[cut.tets[cut.regions == 3]][:, :, 0]
    right = cut.points[cut.tets[cut.regions == 4]][:, :, 0]
    assert left.max() <= 4.13 + 1e-9 <= right.min() + 2e-9


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-1.0, 1.0))
def test_volume_below_agrees_with_sampling(seed, level):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(3, 4))
    weights = rng.dirichlet(np.ones(4), size=20000)
    expected = ((weights @ values.T) < level).mean(axis=0) @ [1.0, 2.0, 3.0]
    assert volume_below(np.array([1.0, 2.0, 3.0]), values, level) == pytest.approx(expected, abs=0.06)


def test_volume_below_with_equal_values():
    corner = np.array([[0.0, 1.0, 1.0, 1.0], [-1.0, -1.0, -1.0, 1.0]])
    assert volume_below(np.ones(2), corner, 0.5) == pytest.approx(0.5**3 + (1 - 0.25**3), rel=1e-3)


def test_level_preserves_the_asked_volume():
    mesh = _block([_ball])
    level = volume_preserving_level(mesh.points, mesh.tets, mesh.fields[:, 0], 90.0, reach=1.0)
    assert volume_below(volumes(mesh.points, mesh.tets), mesh.fields[:, 0][mesh.tets], level) == pytest.approx(90.0, rel=1e-4)
