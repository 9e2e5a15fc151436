from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from cellml.meshops.batch import mesh_batch
from cellml.meshops.geometry import face_areas, face_normals, surface_areas, unit, vertex_normals, volumes


def test_area_and_volume_of_a_sphere_converge_quadratically(sphere):
    errors = []
    for level in (2, 3, 4):
        vertices, faces = sphere(level, radius=250.0)
        batch = mesh_batch([vertices], [faces])
        area, volume = float(surface_areas(batch)), float(volumes(batch))
        errors.append((1 - area / (4 * np.pi * 250**2), 1 - volume / (4 / 3 * np.pi * 250**3)))
    rates = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert (np.abs(rates - 2) < 0.1).all() and max(errors[-1]) < 4e-3


def test_regular_tetrahedron(tetrahedron, mixed):
    area, volume = 4 * np.sqrt(3) / 4 * 8, 8 ** (3 / 2) / (6 * np.sqrt(2))
    assert torch.allclose(surface_areas(mixed)[1:], torch.tensor([0.0, area], dtype=torch.float64))
    assert torch.allclose(volumes(mixed)[1:], torch.tensor([0.0, volume], dtype=torch.float64))


@given(st.integers(0, 2**31), st.floats(0.1, 10))
@settings(max_examples=25, deadline=None)
def test_measures_do_not_change_under_motions_and_scale_as_they_must(seed, scale):
    rng = np.random.default_rng(seed)
    corners = torch.from_numpy(rng.normal(size=(4, 3)))
    batch = mesh_batch([corners], [torch.tensor([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]])])
    rotation = torch.from_numpy(Rotation.random(random_state=rng).as_matrix())
    moved = batch.with_vertices(scale * corners @ rotation.T + torch.from_numpy(rng.normal(size=3)))
    assert torch.allclose(face_areas(moved), scale**2 * face_areas(batch), rtol=1e-9)
    assert torch.allclose(volumes(moved), scale**3 * volumes(batch), rtol=1e-9, atol=1e-12)
    assert torch.allclose(vertex_normals(moved), vertex_normals(batch) @ rotation.T, atol=1e-9)


def test_normals_of_a_sphere_point_outwards(sphere):
    vertices, faces = sphere(3)
    batch = mesh_batch([vertices], [faces])
    assert float((vertex_normals(batch) * vertices).sum(1).min()) > 0.9999
    assert float((face_normals(batch) * unit(batch.corners().mean(1))).sum(1).min()) > 0.999


def test_vertex_normals_agree_with_a_loop(mixed):
    expected = torch.zeros_like(mixed.vertices)
    for a, b, c in mixed.faces.tolist():
        for corner in (a, b, c):
            expected[corner] += torch.linalg.cross(mixed.vertices[b] - mixed.vertices[a], mixed.vertices[c] - mixed.vertices[a])
    assert torch.allclose(vertex_normals(mixed), expected / expected.norm(dim=1, keepdim=True))


def test_single_precision_far_from_the_origin_keeps_its_digits(sphere):
    """Vertices at 10⁴ nm are rounded to 10⁻³ nm in float32; the volume must not lose more than that."""
    vertices, faces = sphere(3, radius=100.0)
    far = (vertices + 1e4).float()
    exact = volumes(mesh_batch([far.double()], [faces]))
    assert abs(float(volumes(mesh_batch([far], [faces]))) / float(exact) - 1) < 1e-6
    a, b, c = far[faces].unbind(1)
    naive = float((a * torch.linalg.cross(b, c, dim=1)).sum() / 6)
    assert abs(naive / float(exact) - 1) > 1e-5  # about the origin the digits are gone


def test_gradient_of_the_volume_is_a_third_of_the_area_vectors_around(tetrahedron):
    vertices = tetrahedron[0].clone().requires_grad_()
    batch = mesh_batch([vertices], [tetrahedron[1]])
    volumes(batch).sum().backward()
    outward = vertex_normals(batch).detach()
    assert torch.allclose(vertices.grad, outward * (vertices.grad * outward).sum(1, keepdim=True))
    assert torch.autograd.gradcheck(lambda v: volumes(batch.with_vertices(v)), (vertices,))
    assert torch.autograd.gradcheck(lambda v: face_areas(batch.with_vertices(v)), (vertices,))
    assert torch.autograd.gradcheck(lambda v: vertex_normals(batch.with_vertices(v)), (vertices,))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_faces_without_area_have_no_normal_and_finite_gradients(dtype):
    vertices = torch.tensor([[0.0, 0, 0], [1, 1, 1], [2, 2, 2], [5, 5, 5]], dtype=dtype, requires_grad=True)
    batch = mesh_batch([vertices], [torch.tensor([[0, 1, 2]])])
    assert not face_normals(batch).any() and not vertex_normals(batch).any()
    (face_normals(batch).sum() + vertex_normals(batch).sum() + face_areas(batch).sum()).backward()
    assert torch.isfinite(vertices.grad).all()


def test_tiny_meshes_have_unit_normals(sphere):
    vertices, faces = sphere(1, radius=1e-5, dtype=torch.float32)
    assert torch.allclose(vertex_normals(mesh_batch([vertices], [faces])).norm(dim=1), torch.ones(42))
