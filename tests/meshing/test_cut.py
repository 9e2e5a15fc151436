from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.meshing.cut import (
    CutMesh,
    halve_edges,
    split_at_level,
    volume_below,
    volume_preserving_level,
    volumes,
    warp_to_level,
)
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.quality import dihedral_angles
from cellml.meshing.topology import boundary_facets, edges_of, facet_pairs, surface_topology


def _block(value_at, cubes: int = 8) -> CutMesh:
    points, tets = body_centred_cubic(np.zeros(3), np.full(3, float(cubes)), np.ones((cubes,) * 3, bool))
    return CutMesh(points, tets, value_at(points), np.zeros(len(points), np.int64), np.zeros(len(tets), np.int32))


def _ball(points):
    return np.linalg.norm(points - 4.0, axis=1) - 2.7


def _split(mesh, share=0.35, region=0, inside=1, outside=2, bit=64):
    warped = warp_to_level(mesh, share=share, frozen=np.zeros(len(mesh.points), bool))
    return split_at_level(warped, region=region, inside=inside, outside=outside, bit=bit)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.35])
def test_cut_conforms_and_keeps_the_volume(share):
    cut = _split(_block(_ball), share)
    assert volumes(cut.points, cut.tets).min() > 0
    assert volumes(cut.points, cut.tets).sum() == pytest.approx(512.0)
    assert facet_pairs(cut.tets).shared.max() == 2
    inside = boundary_facets(cut.tets[cut.regions == 1])
    topology = surface_topology(inside)
    assert topology.manifold
    assert topology.euler == 2
    assert np.abs(cut.values[np.unique(inside)]).max() == 0
    assert (cut.held[np.unique(inside)] == 64).all()
    assert np.abs(_ball(cut.points[np.unique(inside)])).max() < 0.15  # chords of a sphere over edges up to 1


def test_warp_improves_the_smallest_angle():
    angles = [dihedral_angles(cut.points, cut.tets).min() for cut in (_split(_block(_ball), share) for share in (0.0, 0.35))]
    assert angles[0] < 8
    assert angles[1] > 12


def test_warp_stays_in_the_surface_that_holds_a_vertex():
    mesh = _block(_ball)
    held = (mesh.points[:, 2] == 4.0).astype(np.int64)
    warped = warp_to_level(replace(mesh, held=held), share=0.35, frozen=np.zeros(len(held), bool))
    moved = (warped.points != mesh.points).any(axis=1)
    assert (moved & (held == 1)).any()
    assert (warped.points[held == 1, 2] == 4.0).all()


def test_frozen_vertices_do_not_move():
    mesh = _block(_ball)
    warped = warp_to_level(mesh, share=0.35, frozen=np.ones(len(mesh.points), bool))
    assert (warped.points == mesh.points).all()


def test_second_cut_divides_one_region_only_and_conforms():
    cut = _split(_block(_ball))
    cut = _split(replace(cut, values=cut.points[:, 0] - 4.13), region=1, inside=3, outside=4, bit=128)
    assert set(cut.regions.tolist()) == {2, 3, 4}
    assert facet_pairs(cut.tets).shared.max() == 2
    assert volumes(cut.points, cut.tets).min() > 0
    left = cut.points[cut.tets[cut.regions == 3]][:, :, 0]
    right = cut.points[cut.tets[cut.regions == 4]][:, :, 0]
    assert left.max() <= 4.13 + 1e-9 <= right.min() + 2e-9
    # Both cuts were kept: the line where they meet is held in both.
    assert (cut.held == 64 | 128).any()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_halving_conforms_keeps_volumes_regions_and_walls(seed):
    rng = np.random.default_rng(seed)
    low, high = np.array([0.1, -3.0, 7.7]), np.array([1.3, -2.2, 9.1])
    points, tets = body_centred_cubic(low, high, np.ones((2, 2, 3), bool))
    walls = [(column, value) for column in range(3) for value in (low[2 - column], high[2 - column])]
    held = sum((points[:, column] == value).astype(np.int64) << bit for bit, (column, value) in enumerate(walls))
    regions = (points[tets].mean(axis=1)[:, 1] > -2.6).astype(np.int32)
    mesh = CutMesh(points, tets, points @ [1.0, 2.0, 3.0] - 26.0, held, regions)
    edges, _ = edges_of(tets)
    chosen = edges[rng.random(len(edges)) < rng.random()]
    way = rng.uniform(0.1, 0.9, size=len(chosen))
    halved = halve_edges(mesh, chosen, way)
    assert facet_pairs(halved.tets).shared.max() == 2
    assert volumes(halved.points, halved.tets).min() > 0
    for region in (0, 1):
        before, after = (volumes(m.points, m.tets)[m.regions == region].sum() for m in (mesh, halved))
        assert after == pytest.approx(before)
    assert len(boundary_facets(halved.tets)) == len(np.unique(np.sort(boundary_facets(halved.tets), axis=1), axis=0))
    for bit, (column, value) in enumerate(walls):
        assert (((halved.held >> bit) & 1).astype(bool) == (halved.points[:, column] == value)).all()  # exactly, on both sides
    assert len(halved.points) == len(points) + len(chosen)
    linear = halved.points @ [1.0, 2.0, 3.0] - 26.0
    crossing = np.concatenate([np.zeros(len(points), bool), (halved.values[len(points) :] == 0)])
    assert halved.values[~crossing] == pytest.approx(linear[~crossing], abs=1e-9)


def test_halving_nothing_changes_nothing():
    mesh = _block(_ball, 2)
    halved = halve_edges(mesh, np.zeros((0, 2), np.int64), np.zeros(0))
    assert np.array_equal(halved.tets, mesh.tets)
    assert np.array_equal(halved.points, mesh.points)


def test_a_vertex_on_an_edge_that_changes_sign_lies_on_the_level():
    mesh = _block(lambda p: p[:, 0] - 1.0, 2)
    edges, _ = edges_of(mesh.tets)
    crossing = edges[(mesh.values[edges] * [1, -1] > 0).all(axis=1)]
    ends = mesh.values[crossing]
    halved = halve_edges(mesh, crossing, ends[:, 0] / (ends[:, 0] - ends[:, 1]))
    assert (halved.values[len(mesh.points) :] == 0).all()
    assert halved.points[len(mesh.points) :, 0] == pytest.approx(np.ones(len(crossing)))


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
    mesh = _block(_ball)
    volume, values = volumes(mesh.points, mesh.tets), mesh.values[mesh.tets]
    level = volume_preserving_level(volume, values, 90.0, reach=1.0)
    assert volume_below(volume, values, level) == pytest.approx(90.0, rel=1e-4)


@pytest.mark.parametrize(("target", "level"), [(1.0, -0.5), (500.0, 0.5)])
def test_a_volume_out_of_reach_gives_the_end_of_the_interval(target, level):
    mesh = _block(_ball)
    assert volume_preserving_level(volumes(mesh.points, mesh.tets), mesh.values[mesh.tets], target, reach=0.5) == pytest.approx(
        level, abs=1e-5
    )


def test_a_cap_is_never_crossed_and_the_rest_makes_up_for_it():
    mesh = _block(_ball)
    volume, values = volumes(mesh.points, mesh.tets), mesh.values[mesh.tets]
    cap = 4.0 - mesh.points[:, 0]  # forbids x < 4
    free = volume_preserving_level(volume, values, 45.0, reach=2.0)
    level = volume_preserving_level(volume, values, 45.0, reach=2.0, cap=cap[mesh.tets])
    assert level > free
    capped = np.maximum(values - level, cap[mesh.tets])
    assert volume_below(volume, capped, 0.0) == pytest.approx(45.0, rel=1e-4)


def test_cuts_that_pass_a_vertex_closely_leave_every_tetrahedron_a_volume():
    """Without the distance that splits keep from vertices, points coincide after a few cuts, and MMG refuses flat tetrahedra."""
    mesh = _block(_ball, 4)
    middle, whole = np.full(3, 2.0), volumes(mesh.points, mesh.tets).sum()
    for number, normal in enumerate(np.eye(3)[[0, 1, 2, 0]] + 0.3):
        values = (mesh.points - middle) @ normal - 1e-9
        mesh = split_at_level(replace(mesh, values=values), region=number, inside=9 - number, outside=number + 1, bit=64 << number)
    found = volumes(mesh.points, mesh.tets)
    assert found.min() > 1e-12
    assert found.sum() == pytest.approx(whole)
    assert len(np.unique(mesh.points, axis=0)) == len(mesh.points)
