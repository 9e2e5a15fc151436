from __future__ import annotations

import numpy as np
import pytest
import torch

from cellml.meshops.batch import mesh_batch
from cellml.meshops.regularisers import (
    cotangent_laplacian_loss,
    curvature_laplacian_loss,
    edge_lengths,
    edge_loss,
    normal_consistency,
    uniform_laplacian_loss,
)

ALL = [edge_loss, normal_consistency, uniform_laplacian_loss, cotangent_laplacian_loss, curvature_laplacian_loss]


@pytest.fixture
def ragged(mixed):
    rng = torch.Generator().manual_seed(0)
    return mixed.with_vertices(mixed.vertices + 0.1 * torch.randn(46, 3, generator=rng, dtype=torch.float64))


def test_regular_tetrahedron(tetrahedron):
    batch = mesh_batch([tetrahedron[0]], [tetrahedron[1]])
    assert torch.allclose(edge_lengths(batch), torch.full((6,), 8**0.5, dtype=torch.float64))
    assert float(edge_loss(batch)) == pytest.approx(8)
    assert float(edge_loss(batch, 1.0)) == pytest.approx((8**0.5 - 1) ** 2)
    assert float(normal_consistency(batch)) == pytest.approx(1 + 1 / 3)  # normals at an angle of π − arccos(1/3)
    # The mean of the other three corners is opposite, at a third of the distance from the centre.
    assert float(uniform_laplacian_loss(batch)) == pytest.approx(4 / 3 * 3**0.5)
    assert float(cotangent_laplacian_loss(batch)) == pytest.approx(4 / 3 * 3**0.5)
    area = 3**0.5 / 4 * 8
    assert float(curvature_laplacian_loss(batch)) == pytest.approx(3 * 2 / 3**0.5 * 4 / 3 * 3**0.5 / (4 * 3 * area))


def test_curvature_weights_see_a_third_of_the_curvature_of_a_sphere(sphere):
    vertices, faces = sphere(3, radius=50.0)
    assert float(curvature_laplacian_loss(mesh_batch([vertices], [faces]))) == pytest.approx(1 / 150, rel=0.01)


@pytest.mark.parametrize("angle", [0.0, 0.3, np.pi / 2, 3.0])
def test_two_faces_folded_by_an_angle(angle):
    hinge = [[0.0, 0, 0], [1, 0, 0]]
    vertices = torch.tensor([*hinge, [0.5, 1, 0], [0.2, -np.cos(angle), np.sin(angle)]], dtype=torch.float64)
    for faces in ([[0, 1, 2], [1, 0, 3]], [[0, 1, 2], [0, 1, 3]]):  # the order of the corners does not matter
        assert float(normal_consistency(mesh_batch([vertices], [torch.tensor(faces)]))) == pytest.approx(1 - np.cos(angle))


def test_three_faces_at_an_edge_make_three_pairs():
    turn = 2 * np.pi / 3
    corners = [[0.5, np.cos(k * turn), np.sin(k * turn)] for k in range(3)]
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], *corners], dtype=torch.float64)
    batch = mesh_batch([vertices], [torch.tensor([[0, 1, 2], [0, 1, 3], [0, 1, 4]])])
    assert float(normal_consistency(batch)) == pytest.approx(1 + np.cos(turn))


def test_normal_consistency_agrees_with_a_loop(ragged):
    means = []
    for vertices, faces in zip(ragged.vertex_list(), ragged.face_list(), strict=True):
        normals = torch.linalg.cross(vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]], dim=1)
        pairs = [(i, j) for i in range(len(faces)) for j in range(i) if len(set(faces[i].tolist()) & set(faces[j].tolist())) == 2]
        cosines = [torch.cosine_similarity(normals[i], normals[j], dim=0) for i, j in pairs]
        means.append(sum(1 - float(c) for c in cosines) / max(len(pairs), 1))
    assert float(normal_consistency(ragged)) == pytest.approx(sum(means) / 3)


def test_uniform_laplacian_loss_agrees_with_a_loop(ragged):
    means = []
    for vertices, faces in zip(ragged.vertex_list(), ragged.face_list(), strict=True):
        around = {i: {j for face in faces.tolist() if i in face for j in face} - {i} for i in range(len(vertices))}
        offsets = [float((vertices[list(near)].mean(0) - vertices[i]).norm()) for i, near in around.items()]
        means.append(sum(offsets) / max(len(offsets), 1))
    assert float(uniform_laplacian_loss(ragged)) == pytest.approx(sum(means) / 3)


@pytest.mark.parametrize("loss", ALL)
def test_a_batch_is_the_mean_of_its_meshes_and_empty_ones_count_as_nothing(loss, ragged, no_mesh):
    alone = [float(loss(mesh_batch([v], [f]))) for v, f in zip(ragged.vertex_list(), ragged.face_list(), strict=True)]
    assert alone[1] == 0 and min(alone[0], alone[2]) > 0
    assert float(loss(ragged)) == pytest.approx(sum(alone) / 3)
    nothing = mesh_batch([no_mesh[0].clone().requires_grad_()], [no_mesh[1]])
    loss(nothing).backward()


@pytest.mark.parametrize("loss", [edge_loss, normal_consistency, uniform_laplacian_loss])
def test_gradients_are_those_of_differences(loss, ragged):
    assert torch.autograd.gradcheck(lambda v: loss(ragged.with_vertices(v)), (ragged.vertices.clone().requires_grad_(),))


@pytest.mark.parametrize("loss", ALL)
def test_a_step_down_the_gradient_lowers_the_loss(loss, ragged):
    vertices = ragged.vertices.clone().requires_grad_()
    before = loss(ragged.with_vertices(vertices))
    before.backward()
    after = loss(ragged.with_vertices(vertices.detach() - 1e-4 * vertices.grad / vertices.grad.norm()))
    assert float(after) < float(before.detach())


@pytest.mark.parametrize("loss", ALL)
def test_faces_without_area_and_lonely_vertices_leave_finite_gradients(loss):
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 0, 0], [7, 7, 7]], requires_grad=True)
    value = loss(mesh_batch([vertices], [torch.tensor([[0, 1, 2], [0, 1, 3]])]))
    value.backward()
    assert torch.isfinite(value) and torch.isfinite(vertices.grad).all()


@pytest.mark.parametrize("loss", ALL)
def test_single_precision_far_from_the_origin(loss, sphere):
    vertices, faces = sphere(2, radius=100.0)
    far = (vertices + 1e4).float()
    exact = float(loss(mesh_batch([far.double()], [faces])))
    assert float(loss(mesh_batch([far], [faces]))) == pytest.approx(exact, rel=1e-5)
