from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.meshing.quality import dihedral_angles
from cellml.sim.adaptive.bisection import Bisection, bisect
from cellml.sim.adaptive.edges import TET_EDGES, faces_of
from cellml.sim.analytic import ball, box
from cellml.sim.errors import SimulationError
from cellml.types import TetMesh


def two_regions(shake: float = 0.0, seed: int = 0) -> TetMesh:
    """A box with two regions, a membrane between them with a patch, and an open end: three tags meet along lines."""
    mesh = box((1000.0, 800.0, 600.0), (4, 2, 2), cuts=("z0",))
    left = mesh.points[mesh.tets][:, :, 0].mean(axis=1) < 500.0
    faces = faces_of(mesh.tets)
    inner = faces.sides[:, 1] >= 0
    between = inner & (left[faces.sides[:, 0]] != left[faces.sides[:, 1]])
    patch = mesh.points[faces.corners[between]][:, :, 1].mean(axis=1) < 400.0
    facets = np.concatenate([mesh.facets, faces.corners[between]])
    tags = np.concatenate([mesh.facet_tags, np.where(patch, 8, 7)])
    names = {**mesh.facet_names, 7: "inner", 8: "patch"}
    points = mesh.points + np.random.default_rng(seed).normal(scale=max(shake, 1e-9), size=mesh.points.shape)
    return TetMesh(points, mesh.tets, np.where(left, 1, 2), {1: "left", 2: "right"}, facets, tags, names)


def areas(mesh: TetMesh) -> dict[str, float]:
    a, b, c = (mesh.points[mesh.facets[:, i]] for i in range(3))
    area = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    return {name: float(area[mesh.facet_tags == tag].sum()) for tag, name in mesh.facet_names.items()}


def assert_conforming(mesh: TetMesh) -> None:
    """No point lies inside an edge (slow twin: against all edges), and tagged facets are faces with the regions they had on their sides."""
    faces = faces_of(mesh.tets)
    number = faces.find(mesh.facets)
    assert (number >= 0).all()
    named = np.isin(np.arange(len(faces.corners)), number)
    assert named[faces.sides[:, 1] < 0].all()
    inside = faces.sides[:, 1] >= 0
    sides = mesh.regions[faces.sides]
    assert named[inside & (sides[:, 0] != sides[:, 1])].all()


def hanging_nodes(mesh: TetMesh) -> int:
    ends = np.unique(np.sort(mesh.tets[:, TET_EDGES].reshape(-1, 2), axis=1), axis=0)
    a, b = mesh.points[ends[:, 0]], mesh.points[ends[:, 1]]
    count = 0
    for p in mesh.points:
        along = np.einsum("ej,ej->e", p - a, b - a) / ((b - a) ** 2).sum(axis=1)
        off = np.linalg.norm(p - a - along[:, None] * (b - a), axis=1)
        count += int(((off < 1e-6) & (along > 1e-6) & (along < 1 - 1e-6)).sum())
    return count


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0.01, 0.6))
def test_any_marking_leaves_a_conforming_mesh_with_the_same_regions_and_tags(seed, share):
    rng, mesh = np.random.default_rng(seed), two_regions(shake=25.0, seed=seed)
    state, values = Bisection.of(mesh), mesh.points @ [1.0, 2.0, -1.0]
    for _ in range(4):
        refinement = bisect(state, rng.random(len(state.mesh.tets)) < share)
        values = refinement.prolongation @ values
        fine = refinement.mesh
        assert (fine.regions == state.mesh.regions[refinement.parents]).all()
        np.testing.assert_allclose(np.bincount(refinement.parents, fine.volumes()), state.mesh.volumes(), rtol=1e-9)
        state = refinement.bisection
    assert_conforming(state.mesh)
    np.testing.assert_allclose(values, state.mesh.points @ [1.0, 2.0, -1.0], atol=1e-8)
    assert state.mesh.region_volumes() == pytest.approx(mesh.region_volumes(), rel=1e-12)
    assert areas(state.mesh) == pytest.approx(areas(mesh), rel=1e-12)


def test_no_hanging_nodes_by_brute_force():
    state = Bisection.of(two_regions(shake=20.0))
    for seed in range(5):
        state = bisect(state, np.random.default_rng(seed).random(len(state.mesh.tets)) < 0.1).bisection
    assert hanging_nodes(state.mesh) == 0
    # The twin finds one where there is one.
    broken = bisect(state, np.array([0])).mesh
    only = TetMesh(broken.points, np.concatenate([broken.tets, state.mesh.tets[:1]]), np.ones(len(broken.tets) + 1))
    assert hanging_nodes(only) > 0


@pytest.mark.parametrize("start", ["box", "shaken ball"])
def test_angles_stay_bounded_over_twenty_rounds_towards_a_curve(start):
    mesh = ball(1000.0, 1) if start == "shaken ball" else box((1000.0, 1000.0, 700.0), (2, 2, 2))
    if start == "shaken ball":
        mesh = TetMesh(mesh.points + np.random.default_rng(3).normal(scale=60, size=mesh.points.shape), mesh.tets, mesh.regions)
    state = Bisection.of(mesh)
    first = dihedral_angles(mesh.points, mesh.tets).min()
    smallest = []
    for _ in range(20):
        centre = state.mesh.points[state.mesh.tets].mean(axis=1)
        distance = np.hypot(centre[:, 0] - 200.0, centre[:, 1] - 0.5 * centre[:, 2])
        state = bisect(state, distance < 0.7 * np.cbrt(state.mesh.volumes())).bisection
        smallest.append(dihedral_angles(state.mesh.points, state.mesh.tets).min())
    assert min(smallest) > 0.45 * first
    # A finite number of shapes: what the first rounds have not made, later ones do not make either.
    assert min(smallest[10:]) > 0.75 * min(smallest[:10])


def test_similarity_classes_are_at_most_seventy_two():
    rng = np.random.default_rng(5)
    corners = rng.normal(size=(4, 3)) * 1000.0
    mesh = (
        TetMesh(corners, np.array([[0, 1, 2, 3]]), np.ones(1))
        if np.linalg.det(corners[1:] - corners[0]) > 0
        else TetMesh(corners, np.array([[1, 0, 2, 3]]), np.ones(1))
    )
    state = Bisection.of(mesh)
    for _ in range(10):
        state = bisect(state, np.ones(len(state.mesh.tets), bool)).bisection
    points, tets = state.mesh.points, state.mesh.tets
    lengths = np.sort(np.linalg.norm(points[tets[:, TET_EDGES[:, 0]]] - points[tets[:, TET_EDGES[:, 1]]], axis=2), axis=1)
    shapes = np.unique(np.round(lengths / np.cbrt(state.mesh.volumes())[:, None], 6), axis=0)
    assert len(tets) >= 1024
    assert 1 < len(shapes) <= 72


def test_old_points_keep_their_numbers_and_nothing_marked_changes_nothing():
    state = Bisection.of(two_regions())
    same = bisect(state, np.zeros(0, np.int64))
    assert len(same.new) == 0
    np.testing.assert_array_equal(same.mesh.tets, state.mesh.tets)
    np.testing.assert_array_equal(bisect(state, np.array([3])).mesh.points[: len(state.mesh.points)], state.mesh.points)


def test_refusals_name_the_numbers():
    state = Bisection.of(two_regions())
    with pytest.raises(SimulationError, match="there are"):
        bisect(state, np.array([10**6]))
    with pytest.raises(SimulationError, match="mask of shape"):
        bisect(state, np.zeros(3, bool))
