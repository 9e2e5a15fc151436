from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.meshops.batch import MeshBatch, batch_of_surfaces, mesh_batch, repeated, unpadded
from cellml.meshops.packing import mean_over_meshes, packed_to_padded, padded_to_packed, sum_by_mesh


@given(st.lists(st.integers(0, 6), min_size=1, max_size=6), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_padding_and_packing_are_inverse(counts, width):
    values = torch.arange(1.0, sum(counts) * width + 1).reshape(sum(counts), width)
    padded = packed_to_padded(values, counts, fill=-5)
    assert padded.shape == (len(counts), max(counts), width)
    assert torch.equal(padded_to_packed(padded, counts), values)
    assert int((padded == -5).sum()) == width * (len(counts) * max(counts) - sum(counts))


def test_wrong_counts_are_refused():
    with pytest.raises(CellmlError, match="3 packed rows"):
        packed_to_padded(torch.zeros(3, 2), [1, 1])
    with pytest.raises(CellmlError, match="cannot hold 2 meshes of up to 4"):
        padded_to_packed(torch.zeros(2, 3, 2), [1, 4])


def test_each_mesh_weighs_the_same_and_empty_ones_add_nothing():
    values, mesh = torch.tensor([1.0, 3.0, 10.0]), torch.tensor([0, 0, 2])
    assert float(mean_over_meshes(values, mesh, 4)) == (2 + 10) / 4
    assert sum_by_mesh(values, mesh, 4).tolist() == [4, 0, 10, 0]


def test_a_batch_of_a_sphere_nothing_and_a_tetrahedron(mixed, tetrahedron, sphere):
    assert len(mixed) == 3 and mixed.vertices.shape == (46, 3)
    assert [len(v) for v in mixed.vertex_list()] == [42, 0, 4]
    assert torch.equal(mixed.face_list()[2], tetrahedron[1])
    assert torch.equal(mixed.faces[-4:], tetrahedron[1] + 42)
    padded, faces = mixed.padded_vertices(), mixed.padded_faces()
    assert padded.shape == (3, 42, 3) and torch.equal(padded[0], sphere(1)[0]) and not padded[1].any() and not padded[2, 4:].any()
    assert faces.shape == (3, 80, 3) and (faces[1] == -1).all() and torch.equal(faces[2, :4], tetrahedron[1])
    again = unpadded(padded, faces, mixed.topology.vertex_counts)
    assert torch.equal(again.vertices, mixed.vertices) and torch.equal(again.faces, mixed.faces)
    with pytest.raises(CellmlError, match="Padded meshes"):
        unpadded(padded, faces, [43, 0, 4])


def test_vertices_move_over_shared_faces_and_keep_their_gradient(mixed):
    offset = torch.zeros(46, 3, dtype=torch.float64, requires_grad=True)
    moved = mixed.with_vertices(mixed.vertices + offset)
    assert moved.topology is mixed.topology
    moved.vertices.sum().backward()
    assert (offset.grad == 1).all()
    with pytest.raises(CellmlError, match="45 vertices were given for meshes of"):
        mixed.with_vertices(mixed.vertices[1:])


def test_surfaces_go_in_and_out(tetrahedron, mixed):
    surfaces = mixed.surfaces()
    again = batch_of_surfaces(surfaces, torch.float64)
    assert torch.equal(again.vertices, mixed.vertices) and torch.equal(again.faces, mixed.faces)
    assert again.topology.vertex_counts == mixed.topology.vertex_counts


def test_shapes_of_one_template(tetrahedron):
    shapes = torch.stack([tetrahedron[0], 2 * tetrahedron[0]]).requires_grad_()
    batch = repeated(shapes, tetrahedron[1])
    assert len(batch) == 2 and torch.equal(batch.faces[4:], tetrahedron[1] + 4)
    batch.vertices.sum().backward()
    assert (shapes.grad == 1).all()


def test_centred_meshes_keep_their_gradient_and_lose_their_place(mixed):
    vertices = (mixed.vertices + 1e4).requires_grad_()
    centred = mixed.with_vertices(vertices).centred()
    assert torch.allclose(centred.vertices, mixed.centred().vertices, atol=1e-10)
    assert torch.allclose(
        torch.stack([v.mean(0) for v in centred.vertex_list() if len(v)]), torch.zeros(3, dtype=torch.float64), atol=1e-10
    )
    centred.vertices[0, 0].backward()
    assert vertices.grad[0, 0] == 1


def test_precision_follows_the_vertices(mixed):
    single = mixed.to(torch.float32)
    assert single.vertices.dtype == torch.float32 and single.topology is mixed.topology


@pytest.mark.parametrize(
    ("vertices", "faces", "words"),
    [
        ([], [], "at least one mesh"),
        ([torch.zeros(3, 3)], [], "got 1 and 0"),
        ([torch.zeros(1, 3), torch.zeros(1, 3).double()], [torch.zeros(0, 3, dtype=torch.int64)] * 2, "one precision"),
        (
            [torch.tensor([[0.0, 0, 0], [0, float("nan"), 0]])],
            [torch.zeros(0, 3, dtype=torch.int64)],
            "Mesh 0 has 1 of 2 .* first is vertex 1",
        ),
        ([torch.zeros(2, 4)], [torch.zeros(0, 3, dtype=torch.int64)], "vertices of mesh 0 must be a tensor with 3 columns"),
        ([torch.zeros(2, 3)], [torch.tensor([[0, 1, 2]])], "that mesh has 2"),
    ],
)
def test_what_cannot_be_packed_is_refused(vertices, faces, words):
    with pytest.raises(CellmlError, match=words):
        mesh_batch(vertices, faces)


def test_integer_vertices_are_refused(mixed):
    with pytest.raises(CellmlError, match="float tensor"):
        MeshBatch(mixed.vertices.long(), mixed.topology)
    with pytest.raises(CellmlError, match=r"\(N, V, 3\)"):
        repeated(mixed.vertices, mixed.faces)
