from __future__ import annotations

import numpy as np
import pytest
import torch

from cellml.errors import CellmlError
from cellml.meshops.batch import MeshBatch, mesh_batch
from cellml.meshops.edge_collapse import EdgePooling, collapse_edges
from cellml.meshops.edge_features import EdgeMesh, edge_features, edge_mesh
from cellml.nets.mesh_template import icosphere


def torus(n: int = 10) -> MeshBatch:
    i, j = (v.ravel() for v in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
    turn, roll = 2 * np.pi * i / n, 2 * np.pi * j / n
    points = np.stack([(3 + np.cos(roll)) * np.cos(turn), (3 + np.cos(roll)) * np.sin(turn), np.sin(roll)], axis=1)
    a, b, c, d = (((i + p) % n) * n + (j + q) % n for p, q in ((0, 0), (1, 0), (1, 1), (0, 1)))
    return mesh_batch([torch.from_numpy(points)], [torch.from_numpy(np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]))])


def euler(mesh: EdgeMesh) -> int:
    """V − E + F of a mesh whose every edge has two faces and whose every face has three vertices."""
    for face in mesh.face_edges:
        assert len(set(mesh.ends[face].reshape(-1).tolist())) == 3
    for edge, faces in enumerate(mesh.edge_faces):
        assert all(edge in mesh.face_edges[face] for face in faces)
    assert torch.equal(torch.bincount(mesh.face_edges.reshape(-1)), torch.full((len(mesh.ends),), 2))
    return len(mesh.ends.unique()) - len(mesh.ends) + len(mesh.face_edges)


def test_features_of_a_regular_tetrahedron_and_of_a_plane_pair() -> None:
    corners = torch.tensor([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    batch = mesh_batch([corners], [torch.tensor([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]])])
    found = edge_features(batch, edge_mesh(batch))
    expected = torch.tensor([np.arccos(1 / 3), np.pi / 3, np.pi / 3, 2 / 3**0.5, 2 / 3**0.5]).float()
    torch.testing.assert_close(found, expected.expand(6, 5))


def test_a_face_pair_in_a_plane_has_a_flat_dihedral() -> None:
    # the square's diagonal of a cube: both faces in one plane
    corners = torch.tensor([[x, y, z] for x in (0.0, 1) for y in (0.0, 1) for z in (0.0, 1)])
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = torch.tensor([tri for a, b, c, d in quads for tri in ((a, b, c), (a, c, d))])
    batch = mesh_batch([corners], [faces])
    mesh = edge_mesh(batch)
    found = edge_features(batch, mesh)
    diagonal = (corners[mesh.ends[:, 0]] - corners[mesh.ends[:, 1]]).abs().sum(1) > 1.5
    torch.testing.assert_close(found[diagonal], torch.tensor([np.pi, np.pi / 2, np.pi / 2, 2, 2]).float().expand(6, 5))
    torch.testing.assert_close(found[~diagonal][:, 0], torch.full((12,), np.pi / 2))


def test_features_do_not_change_by_turning_moving_scaling_and_naming() -> None:
    batch = torus()
    turned = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)).Q
    turned = turned * torch.sign(torch.linalg.det(turned))
    other = batch.with_vertices(7 * batch.vertices @ turned.T + 5)
    one, two = (edge_features(b, edge_mesh(b)) for b in (batch, other))
    torch.testing.assert_close(one, two)
    rolled = mesh_batch([batch.vertices], [batch.faces.roll(1, dims=1)])
    torch.testing.assert_close(one, edge_features(rolled, edge_mesh(rolled)))


def test_neighbours_are_the_other_edges_of_both_faces_in_turning_order() -> None:
    batch = torus()
    mesh = edge_mesh(batch)
    for edge in range(0, len(mesh.ends), 7):
        around = mesh.neighbours[edge]
        for side in range(2):
            face = mesh.face_edges[mesh.edge_faces[edge, side]].tolist()
            place = face.index(edge)
            assert around[2 * side : 2 * side + 2].tolist() == [face[(place + 1) % 3], face[(place + 2) % 3]]
    # a follows the edge: in the face's turning sense the edge's second vertex is where a begins
    first = mesh.face_edges[0]
    corners = batch.faces[0]
    assert [set(mesh.ends[e].tolist()) for e in first] == [{int(corners[i]), int(corners[(i + 1) % 3])} for i in range(3)]


@pytest.mark.parametrize(("batch", "number"), [(icosphere(2), 2), (torus(), 0)], ids=["sphere", "torus"])
@pytest.mark.parametrize("target", [200, 60])
def test_collapsing_keeps_a_closed_manifold_of_its_genus(batch: MeshBatch, number: int, target: int) -> None:
    mesh = edge_mesh(batch)
    assert euler(mesh) == number
    found = collapse_edges(mesh, torch.rand(len(mesh.ends), generator=torch.Generator().manual_seed(1)), target)
    assert target - 3 < len(found.mesh.ends) <= target
    assert euler(found.mesh) == number


def test_a_sphere_ends_at_the_tetrahedron() -> None:
    mesh = edge_mesh(icosphere(1))
    assert len(collapse_edges(mesh, torch.arange(len(mesh.ends)).float(), 6).mesh.ends) == 6


def test_the_weakest_edge_goes_first_and_its_faces_others_take_it_in() -> None:
    mesh = edge_mesh(icosphere(1))
    strength = torch.ones(len(mesh.ends))
    strength[17] = 0
    found = collapse_edges(mesh, strength, len(mesh.ends) - 3)
    assert found.fine[found.coarse.bincount()[found.coarse] == 1].tolist().count(17) == 0
    groups = [set(found.fine[found.coarse == c].tolist()) for c in range(len(found.mesh.ends)) if (found.coarse == c).sum() > 1]
    a, b, c, d = mesh.neighbours[17].tolist()
    assert sorted(map(sorted, groups)) == sorted(map(sorted, [{a, b, 17}, {c, d, 17}]))


def test_pooling_takes_means_and_unpooling_returns_them() -> None:
    pooling = EdgePooling(
        EdgeMesh(torch.zeros(2, 2), torch.zeros(0, 3), torch.zeros(2, 2)), torch.tensor([0, 1, 2, 1]), torch.tensor([0, 0, 1, 1]), 3
    )
    values = torch.tensor([[1.0], [3.0], [8.0]], requires_grad=True)
    pooled = pooling.pooled(values)
    torch.testing.assert_close(pooled.detach(), torch.tensor([[2.0], [5.5]]))
    torch.testing.assert_close(pooling.unpooled(pooled).detach(), torch.tensor([[2.0], [3.75], [5.5]]))
    pooled.sum().backward()
    torch.testing.assert_close(values.grad, torch.tensor([[0.5], [1.0], [0.5]]))


def test_bad_input_is_refused() -> None:
    opened = mesh_batch([icosphere(0).vertices], [icosphere(0).faces[1:]])
    with pytest.raises(CellmlError, match="3 of 30 edges"):
        edge_mesh(opened)
    mesh = edge_mesh(icosphere(0))
    with pytest.raises(CellmlError, match="At least 6"):
        collapse_edges(mesh, torch.ones(30), 5)
