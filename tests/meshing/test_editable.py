from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.meshing.editable import OUTSIDE, EditableMesh
from cellml.meshing.facets import surface_facets
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.topology import boundary_facets, edges_of

POINTS, TETS = body_centred_cubic(np.zeros(3), np.full(3, 2.0), np.ones((2, 2, 2), bool))
REGIONS = np.where(POINTS[TETS].mean(axis=1)[:, 0] < 1, 1, 2).astype(np.int32)


@pytest.fixture
def mesh():
    return EditableMesh(POINTS, TETS, REGIONS)


def _star(mesh, vertex):
    """The slow twin: look at every tetrahedron."""
    return {tet for tet in range(len(mesh.living())) if mesh.alive(tet) and vertex in mesh.corners(tet)}


def _same(one, other):
    return all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(one, other, strict=True))


def test_arrays_are_those_that_were_given(mesh):
    assert _same(mesh.arrays(), (POINTS, TETS, REGIONS))
    assert mesh.living().all()


def test_stars_neighbours_and_edges_agree_with_tables(mesh):
    edges, _ = edges_of(TETS)
    for vertex in range(len(POINTS)):
        assert mesh.star(vertex) == _star(mesh, vertex)
        assert mesh.neighbours(vertex) == set(edges[(edges == vertex).any(axis=1)].ravel().tolist()) - {vertex}
    a, b = edges[7].tolist()
    assert mesh.around(a, b) == mesh.star(a) & mesh.star(b)


def test_facets_know_their_sides(mesh):
    outer = boundary_facets(TETS)
    for face in outer.tolist():
        assert OUTSIDE in mesh.sides(face)
        assert mesh.on_surface(face)
    surface = {tuple(sorted(face)) for face in surface_facets(TETS, REGIONS)[0].tolist()}
    for tet in range(len(TETS)):
        a, b, c, _ = mesh.corners(tet)
        assert mesh.on_surface((a, b, c)) == (tuple(sorted((a, b, c))) in surface)


def test_surface_faces_at_a_vertex_are_those_of_the_whole_surface(mesh):
    facets = surface_facets(TETS, REGIONS)[0]
    for vertex in range(len(POINTS)):
        found = mesh.surface_faces(vertex)
        assert len(found) == len(set(map(frozenset, found)))
        assert set(map(frozenset, found)) == {frozenset(face) for face in facets[(facets == vertex).any(axis=1)].tolist()}


def test_surface_faces_look_out_of_one_of_their_sides(mesh):
    for vertex in range(len(POINTS)):
        for face in mesh.surface_faces(vertex):
            normal = np.cross(POINTS[face[1]] - POINTS[face[0]], POINTS[face[2]] - POINTS[face[0]])
            below = [tet for tet in mesh.around(*face) if normal @ (POINTS[mesh.corners(tet)].mean(axis=0) - POINTS[face[0]]) < 0]
            assert len(below) == 1


def _change(mesh, draw, alive):
    """One random change: move a vertex, add a vertex or a tetrahedron, remove a tetrahedron."""
    kind = draw.integers(0, 4)
    if kind == 0:
        mesh.move(int(draw.integers(len(mesh.points))), draw.normal(size=3))
    elif kind == 1:
        mesh.new_vertex(draw.normal(size=3))
    elif kind == 2:
        corners = draw.choice(len(mesh.points), size=4, replace=False).tolist()
        alive.append(mesh.add(tuple(corners), int(draw.integers(1, 4))))
    elif alive:
        mesh.remove(alive.pop(int(draw.integers(len(alive)))))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 12), st.integers(0, 12))
def test_undo_restores_everything_and_stars_stay_true(seed, kept, undone):
    mesh, draw = EditableMesh(POINTS, TETS, REGIONS), np.random.default_rng(seed)
    alive = list(range(len(TETS)))
    for _ in range(kept):
        _change(mesh, draw, alive)
    before, mark = mesh.arrays(), mesh.mark()
    for _ in range(undone):
        _change(mesh, draw, alive)
    for vertex in range(len(mesh.points)):
        assert mesh.star(vertex) == _star(mesh, vertex)
    assert int(mesh.living().sum()) == len(mesh.arrays()[1])
    mesh.back_to(mark)
    assert mesh.mark() == mark
    assert _same(mesh.arrays(), before)
    for vertex in range(len(mesh.points)):
        assert mesh.star(vertex) == _star(mesh, vertex)
    mesh.back_to(0)
    assert _same(mesh.arrays(), (POINTS, TETS, REGIONS))


def test_input_arrays_are_left_alone(mesh):
    points, tets = POINTS.copy(), TETS.copy()
    mesh.move(0, np.full(3, 9.0))
    mesh.remove(0)
    mesh.add((0, 1, 2, 3), 5)
    assert np.array_equal(points, POINTS)
    assert np.array_equal(tets, TETS)
    assert mesh.arrays()[0][0].tolist() == [9.0, 9.0, 9.0]
