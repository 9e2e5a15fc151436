from __future__ import annotations

import numpy as np
import pytest
import torch

from cellml.meshops.batch import mesh_batch
from cellml.meshops.curvature import mean_curvature, mixed_areas
from cellml.meshops.geometry import surface_areas
from cellml.surfaces import curvature
from cellml.types import Surface


@pytest.mark.parametrize("radius", [1.0, 250.0])
def test_a_sphere_has_one_over_its_radius(sphere, radius):
    vertices, faces = sphere(3, radius)
    found = mean_curvature(mesh_batch([vertices], [faces]))
    assert float((found * radius - 1).abs().max()) < 5e-3
    hollow = mean_curvature(mesh_batch([vertices], [faces.flip(1)]))
    assert torch.allclose(hollow, -found)


def test_mixed_areas_share_out_the_surface(sphere, mixed):
    rng = torch.Generator().manual_seed(0)
    ragged = mixed.with_vertices(mixed.vertices + 0.15 * torch.randn(46, 3, generator=rng, dtype=torch.float64))
    per_mesh = [part.sum() for part in mixed_areas(ragged).split(list(ragged.topology.vertex_counts))]
    assert torch.allclose(torch.stack(per_mesh), surface_areas(ragged))


def test_agrees_with_the_curvature_of_surfaces(mixed):
    rng = torch.Generator().manual_seed(1)
    for radius in (1.0, 30.0):
        ragged = mixed.with_vertices(radius * (mixed.vertices + 0.05 * torch.randn(46, 3, generator=rng, dtype=torch.float64)))
        ours = mean_curvature(ragged).split(list(ragged.topology.vertex_counts))
        for mesh in (0, 2):
            theirs = curvature(Surface(ragged.vertex_list()[mesh].numpy(), ragged.face_list()[mesh].numpy()))
            np.testing.assert_allclose(ours[mesh].numpy(), theirs.mean, rtol=1e-9)


def test_a_plane_is_flat_and_a_border_has_none():
    y, x = torch.meshgrid(torch.arange(4.0), torch.arange(4.0), indexing="ij")
    vertices = torch.stack([x, y, torch.zeros_like(x)], dim=-1).reshape(-1, 3)
    corner = torch.arange(16).reshape(4, 4)[:3, :3].reshape(-1)
    faces = torch.cat([torch.stack([corner, corner + 1, corner + 5], 1), torch.stack([corner, corner + 5, corner + 4], 1)])
    vertices = torch.cat([vertices, torch.tensor([[9.0, 9, 9]])])  # and one vertex without faces
    assert float(mean_curvature(mesh_batch([vertices], [faces])).abs().max()) < 1e-6
    vertices[5, 2] = 0.5
    bent = mean_curvature(mesh_batch([vertices], [faces]))
    assert bent[5] > 0.1 and not bent[[0, 1, 2, 3, 4, 7, 8, 11, 12, 13, 14, 15, 16]].any()


def test_gradient_of_the_curvature_of_a_sphere_is_minus_one_over_the_square(sphere):
    vertices, faces = sphere(2)
    batch = mesh_batch([vertices], [faces])
    radius = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    mean_curvature(batch.with_vertices(radius * vertices)).mean().backward()
    assert float(radius.grad) == pytest.approx(-1 / 4, rel=0.02)


def test_gradients_are_those_of_differences(tetrahedron):
    rng = torch.Generator().manual_seed(2)
    vertices = (tetrahedron[0] + 0.1 * torch.randn(4, 3, generator=rng, dtype=torch.float64)).requires_grad_()
    batch = mesh_batch([vertices], [tetrahedron[1]])
    assert torch.autograd.gradcheck(lambda v: mean_curvature(batch.with_vertices(v)), (vertices,), fast_mode=True)


def test_faces_without_area_leave_finite_values_and_gradients(sphere):
    vertices, faces = sphere(1, dtype=torch.float32)
    vertices = vertices.clone()
    vertices[faces[0, 1]] = vertices[faces[0, 0]]
    vertices.requires_grad_()
    found = mean_curvature(mesh_batch([vertices], [faces]))
    found.sum().backward()
    assert torch.isfinite(found).all() and torch.isfinite(vertices.grad).all()
