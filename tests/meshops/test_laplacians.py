from __future__ import annotations

import torch

from cellml.meshops.batch import mesh_batch
from cellml.meshops.geometry import face_areas
from cellml.meshops.laplacians import cotangent_laplacian, cotangents, distance_laplacian, row_sums, uniform_laplacian


def angle(a, b, c):
    """At a, between b and c."""
    u, v = b - a, c - a
    return torch.acos((u @ v) / u.norm() / v.norm())


def dense_by_loop(batch):
    """Uniform, cotangent and distance weights, by their definitions."""
    size = len(batch.vertices)
    uniform, cotangent, distance = (torch.zeros(size, size, dtype=torch.float64) for _ in range(3))
    neighbours = {i: set() for i in range(size)}
    for i, j in batch.edges.tolist():
        neighbours[i].add(j)
        neighbours[j].add(i)
        distance[i, j] = distance[j, i] = 1 / (batch.vertices[i] - batch.vertices[j]).norm()
    for i, around in neighbours.items():
        for j in around:
            uniform[i, j] = 1 / len(around)
        uniform[i, i] = -1 if around else 0
    for face in batch.faces.tolist():
        for turn in range(3):
            i, j, k = face[turn:] + face[:turn]
            weight = 1 / torch.tan(angle(batch.vertices[k], batch.vertices[i], batch.vertices[j]))
            cotangent[i, j] += weight
            cotangent[j, i] += weight
    return uniform, cotangent, distance


def test_matrices_agree_with_loops(mixed):
    rng = torch.Generator().manual_seed(0)
    lonely = torch.ones(1, 3, dtype=torch.float64)
    ragged = [v + 0.1 * torch.randn(v.shape, generator=rng, dtype=torch.float64) for v in mixed.vertex_list()]
    batch = mesh_batch([torch.cat([ragged[0], lonely]), *ragged[1:]], mixed.face_list())
    uniform, cotangent, distance = dense_by_loop(batch)
    assert torch.allclose(uniform_laplacian(batch).to_dense(), uniform)
    assert torch.allclose(cotangent_laplacian(batch).to_dense(), cotangent)
    assert torch.allclose(distance_laplacian(batch).to_dense(), distance)
    assert torch.allclose(row_sums(cotangent_laplacian(batch)), cotangent.sum(1, keepdim=True))


def test_cotangent_laplacian_is_minus_twice_the_gradient_of_the_area(sphere):
    rng = torch.Generator().manual_seed(0)
    vertices, faces = sphere(1)
    vertices = (vertices + 0.1 * torch.randn(vertices.shape, generator=rng, dtype=torch.float64)).requires_grad_()
    batch = mesh_batch([vertices], [faces])
    face_areas(batch).sum().backward()
    laplacian = cotangent_laplacian(batch.with_vertices(vertices.detach()))
    applied = laplacian @ vertices.detach() - row_sums(laplacian) * vertices.detach()
    assert torch.allclose(applied, -2 * vertices.grad)


def test_uniform_rows_add_up_to_nothing(mixed):
    assert float(row_sums(uniform_laplacian(mixed)).abs().max()) < 1e-12


def test_cotangents_are_bounded_and_have_finite_gradients_without_area():
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 0, 0]], requires_grad=True)
    batch = mesh_batch([vertices], [torch.tensor([[0, 1, 2], [0, 1, 3]])])
    found = cotangents(batch)
    assert float(found.detach().abs().max()) <= 1.001e6
    found.sum().backward()
    assert torch.isfinite(vertices.grad).all()


def test_gradients_of_the_weights(tetrahedron):
    rng = torch.Generator().manual_seed(0)
    vertices = (tetrahedron[0] + 0.1 * torch.randn(4, 3, generator=rng, dtype=torch.float64)).requires_grad_()
    batch = mesh_batch([vertices], [tetrahedron[1]])
    assert torch.autograd.gradcheck(lambda v: cotangents(batch.with_vertices(v)), (vertices,))
    assert torch.autograd.gradcheck(lambda v: distance_laplacian(batch.with_vertices(v)).to_dense(), (vertices,))
