from __future__ import annotations

import numpy as np

from cellml.meshing.topology import surface_topology
from cellml.surfaces.half_edges import cut_into_fans, face_components, match_half_edges, orient_consistently, part_shared_edges
from cellml.surfaces.welding import weld, without_lost_corners, without_repeats, without_unused
from cellml.types import Surface

TETRAHEDRON = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])
CORNERS = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])


def test_matched_half_edges_run_against_each_other():
    opposite = match_half_edges(CORNERS, TETRAHEDRON)
    start, end = TETRAHEDRON.ravel(), np.roll(TETRAHEDRON, -1, axis=1).ravel()
    assert (opposite[opposite] == np.arange(12)).all()
    assert (start[opposite] == end).all()


def _pair_at_an_edge():
    """Two tetrahedra, one above and one below the xy plane, that share the edge 0-1."""
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0.5, 1, 0.5], [0.5, 0.2, 1], [0.5, -1, -0.5], [0.5, -0.2, -1]])
    first = np.array([[0, 1, 2], [0, 3, 1], [1, 3, 2], [0, 2, 3]])
    second = np.array([[0, 1, 4], [0, 5, 1], [1, 5, 4], [0, 4, 5]])
    faces = np.concatenate([first, second])[:, ::-1]
    assert Surface(vertices, faces[:4]).volume() > 0
    assert Surface(vertices, faces[4:]).volume() > 0
    return vertices, faces


def test_faces_around_a_crowded_edge_pair_up_by_the_inside_between_them():
    vertices, faces = _pair_at_an_edge()
    opposite = match_half_edges(vertices, faces)
    assert (opposite >= 0).all()
    assert face_components(opposite)[0] == 2
    apart, cut, added = cut_into_fans(vertices, faces, opposite)
    assert added == 2
    topology = surface_topology(cut)
    assert topology.manifold
    assert topology.oriented
    assert topology.components == 2
    assert (apart[cut] == vertices[faces]).all()


def test_sheets_through_the_same_edge_get_middles_of_their_own():
    vertices, faces = _pair_at_an_edge()
    more, parted, added = part_shared_edges(vertices, faces)
    assert added == 1
    assert len(parted) == len(faces) + 2
    uses = np.unique(np.sort(parted[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0, return_counts=True)[1]
    assert (uses == 2).all()
    assert np.allclose(more[-1], [0.5, 0, 0])


def test_orientation_follows_the_majority():
    turned = TETRAHEDRON.copy()
    turned[2] = turned[2, ::-1]
    oriented, which, orientable = orient_consistently(turned)
    assert which.tolist() == [2]
    assert orientable
    assert (oriented == TETRAHEDRON).all()


def test_moebius_strip_is_not_orientable():
    strip = [[i, i + 1, (i + 2) % 7] for i in range(6)] + [[6, 0, 1]]
    assert not orient_consistently(np.array([[a % 7, b % 7, c % 7] for a, b, c in strip]))[2]


def test_welding_joins_open_edges_alone():
    vertices = np.concatenate([CORNERS, CORNERS])  # two closed tetrahedra in the same place stay two
    both = np.concatenate([TETRAHEDRON, TETRAHEDRON + 4])
    assert weld(vertices, both, 0.0)[1] == 0
    soup = np.arange(12).reshape(4, 3)
    joined, count = weld(CORNERS[TETRAHEDRON].reshape(-1, 3), soup, 0.0)
    assert count == 8
    assert surface_topology(joined).manifold
    near = CORNERS[TETRAHEDRON].reshape(-1, 3) + 1e-5 * np.arange(12)[:, None]
    assert weld(near, soup, 0.0)[1] == 0
    assert surface_topology(weld(near, soup, 1e-3)[0]).closed


def test_edge_without_length_is_joined():
    vertices = np.concatenate([CORNERS, CORNERS[:1]])
    split = np.array([[0, 2, 1], [4, 1, 3], [1, 2, 3], [0, 4, 2], [4, 3, 2], [0, 1, 4]])
    faces, count = weld(vertices, split, 0.0)
    assert count == 1
    kept = without_lost_corners(faces)
    assert len(kept) == 4
    assert surface_topology(kept).manifold


def test_repeats_count_by_their_direction():
    a = [0, 1, 2]
    assert without_repeats(np.array([a, a, [2, 3, 4]])).tolist() == [a, [2, 3, 4]]
    assert without_repeats(np.array([a, [2, 1, 0]])).tolist() == []
    assert surface_topology(without_repeats(np.array([a, [2, 1, 0], [1, 2, 0], [5, 6, 7]]))).components == 2


def test_unused_vertices_go():
    vertices, faces = without_unused(np.arange(15.0).reshape(5, 3), np.array([[4, 0, 2]]))
    assert vertices[faces[0], 0].tolist() == [12.0, 0.0, 6.0]
    assert len(vertices) == 3
