from __future__ import annotations

from itertools import combinations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.meshops.topology import Topology


def edges_by_loop(faces):
    return sorted({tuple(sorted(pair)) for face in faces.tolist() for pair in combinations(face, 2)})


def hinges_by_loop(faces):
    around: dict[tuple[int, int], list[int]] = {}
    for face in faces.tolist():
        for corner in face:
            around.setdefault(tuple(sorted(set(face) - {corner})), []).append(corner)
    return sorted((edge, *sorted(pair)) for edge, corners in around.items() for pair in combinations(corners, 2))


def triangle_soups(size=7):
    triangle = st.permutations(range(size)).map(lambda order: order[:3])
    return st.lists(triangle, min_size=1, max_size=14).map(lambda rows: torch.tensor(rows))


@given(triangle_soups())
@settings(max_examples=60, deadline=None)
def test_edges_and_hinges_agree_with_loops_on_any_soup(faces):
    topology = Topology(faces, (7,), (len(faces),))
    assert [tuple(edge) for edge in topology.edges.tolist()] == edges_by_loop(faces)
    for face, edges in zip(faces.tolist(), topology.face_edges.tolist(), strict=True):
        for corner, edge in zip(face, edges, strict=True):
            assert set(topology.edges[edge].tolist()) == set(face) - {corner}
    edge, first, second = topology.hinges
    found = [
        (tuple(topology.edges[e].tolist()), *sorted(pair)) for e, *pair in zip(edge.tolist(), first.tolist(), second.tolist(), strict=True)
    ]
    assert sorted(found) == hinges_by_loop(faces)


def test_a_closed_mesh_has_three_edges_for_two_faces(mixed):
    topology = mixed.topology
    assert topology.edge_counts == (120, 0, 6) and topology.face_counts == (80, 0, 4)
    assert not topology.border_edges.any()
    assert [v - e + f for v, e, f in zip(topology.vertex_counts, topology.edge_counts, topology.face_counts, strict=True)] == [2, 0, 2]
    assert torch.equal(topology.edge_mesh, torch.tensor([0] * 120 + [2] * 6))
    assert len(topology.hinges.edge) == 126


def test_one_triangle_has_borders_and_no_hinge():
    topology = Topology(torch.tensor([[0, 1, 2]]), (3,), (1,))
    assert topology.border_edges.all() and len(topology.hinges.edge) == 0


def test_no_faces_at_all():
    topology = Topology(torch.zeros(0, 3, dtype=torch.int64), (0, 5), (0, 0))
    assert topology.edges.shape == (0, 2) and len(topology.hinges.edge) == 0 and topology.edge_counts == (0, 0)


@pytest.mark.parametrize(
    ("faces", "vertices", "counts", "words"),
    [
        (torch.zeros(2, 3), (3,), (2,), "int64"),
        (torch.tensor([[0, 1]]), (3,), (1,), "int64"),
        (torch.tensor([[0, 1, 2]]), (3, 3), (1,), "2 meshes have vertices but 1"),
        (torch.tensor([[0, 1, 2]]), (3,), (2,), "add up to 2, but there are 1"),
        (torch.tensor([[0, 1, 2], [3, 4, 2]]), (3, 3), (1, 1), r"mesh 1 names the vertices \[0, 1, -1\]"),
        (torch.tensor([[0, 1, 9]]), (3,), (1,), "names the vertices"),
        (torch.tensor([[0, 1, 2], [0, 1, 1]]), (3,), (2,), "1 of 2 faces name a vertex twice"),
    ],
)
def test_what_cannot_be_is_refused(faces, vertices, counts, words):
    with pytest.raises(CellmlError, match=words):
        Topology(faces, vertices, counts)
