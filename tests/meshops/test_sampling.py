from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from cellml.errors import CellmlError
from cellml.meshops.batch import mesh_batch
from cellml.meshops.chamfer import chamfer_distance
from cellml.meshops.closest import closest_weights, squared_distance
from cellml.meshops.geometry import face_areas, face_normals
from cellml.meshops.sampling import sample_surfaces


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_points_lie_on_their_faces_and_have_their_normals(mixed):
    samples = sample_surfaces(mixed, 500, seeded())
    assert samples.points.shape == samples.normals.shape == (3, 500, 3) and samples.counts == (500, 0, 500)
    assert not samples.points[1].any() and not samples.normals[1].any()
    for mesh in (0, 2):
        own = mixed.corners()[samples.faces[mesh]]
        assert float(squared_distance(samples.points[mesh], own).max()) < 1e-25
        assert torch.equal(mixed.topology.face_mesh[samples.faces[mesh]], torch.full((500,), mesh))
        assert torch.equal(samples.normals[mesh], face_normals(mixed)[samples.faces[mesh]])


def test_faces_are_drawn_by_area_and_points_are_uniform_on_them():
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [3, 3, 0], [0, 0, 5]], dtype=torch.float64)
    batch = mesh_batch([vertices], [torch.tensor([[0, 1, 2], [1, 3, 2], [0, 1, 4]])])
    samples = sample_surfaces(batch, 30_000, seeded())
    counts = torch.bincount(samples.faces[0], minlength=3).numpy()
    areas = face_areas(batch).numpy()
    assert stats.chisquare(counts, 30_000 * areas / areas.sum()).pvalue > 1e-3
    for face in range(3):
        chosen = samples.faces[0] == face
        corners = batch.corners()[samples.faces[0][chosen]]
        weights = closest_weights(samples.points[0][chosen], corners)
        # Uniform on a triangle: each weight has P(w > t) = (1 − t)², hence 1 − (1 − w)² is uniform.
        for corner in range(3):
            assert stats.kstest((1 - (1 - weights[:, corner]) ** 2).numpy(), "uniform").pvalue > 1e-3


def test_density_shifts_samples_between_faces():
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    batch = mesh_batch([vertices], [torch.tensor([[0, 1, 2], [0, 1, 3], [0, 2, 3]])])
    counts = torch.bincount(sample_surfaces(batch, 9000, seeded(), torch.tensor([1.0, 0.0, 2.0])).faces[0], minlength=3)
    assert counts[1] == 0 and stats.binomtest(int(counts[2]), 9000, 2 / 3).pvalue > 1e-3


def test_one_seed_one_sample(mixed):
    first, second, third = (sample_surfaces(mixed, 50, seeded(seed)).points for seed in (1, 1, 2))
    assert torch.equal(first, second) and not torch.equal(first, third)


def test_a_mesh_of_many_faces_beside_a_tetrahedron(tetrahedron):
    n = 250
    y, x = torch.meshgrid(torch.arange(n + 1.0), torch.arange(n + 1.0), indexing="ij")
    plane = torch.stack([x, y, torch.zeros_like(x)], -1).reshape(-1, 3)
    corner = torch.arange((n + 1) ** 2).reshape(n + 1, n + 1)[:n, :n].reshape(-1)
    faces = torch.cat([torch.stack([corner, corner + 1, corner + n + 2], 1), torch.stack([corner, corner + n + 2, corner + n + 1], 1)])
    batch = mesh_batch([tetrahedron[0].float(), plane], [tetrahedron[1], faces])
    samples = sample_surfaces(batch, 20_000, seeded())
    assert samples.faces[0].max() < 4 and samples.faces[1].min() >= 4
    for axis in range(2):
        assert stats.kstest((samples.points[1, :, axis] / n).numpy(), "uniform").pvalue > 1e-3


def test_gradient_goes_to_the_corners_by_their_weights(mixed):
    vertices = mixed.vertices.clone().requires_grad_()
    sample_surfaces(mixed.with_vertices(vertices), 40, seeded()).points.sum().backward()
    per_mesh = [grad.sum(0) for grad in vertices.grad.split([42, 0, 4])]
    assert torch.allclose(torch.stack(per_mesh), torch.tensor([[40.0] * 3, [0.0] * 3, [40.0] * 3], dtype=torch.float64))


def test_clouds_of_samples_go_into_chamfer(mixed, sphere):
    one, two = (sample_surfaces(mixed, 400, seeded(seed)).cloud() for seed in (1, 2))
    found = chamfer_distance(one, two, weights=torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64), per_element=True)
    assert found.distance[1] == 0 and 0 < float(found.distance[0]) < 0.05


def test_faces_without_area_are_never_drawn():
    vertices = torch.tensor([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0]])
    batch = mesh_batch([vertices], [torch.tensor([[0, 1, 2], [0, 1, 3], [1, 2, 0]])])
    assert set(sample_surfaces(batch, 300, seeded()).faces[0].tolist()) == {1}


def test_only_empty_meshes_give_no_samples(no_mesh):
    samples = sample_surfaces(mesh_batch([no_mesh[0]] * 2, [no_mesh[1]] * 2), 5, seeded())
    assert samples.counts == (0, 0) and samples.points.shape == (2, 5, 3) and not samples.points.any()


def test_what_cannot_be_sampled_is_refused(mixed):
    with pytest.raises(CellmlError, match="got 0"):
        sample_surfaces(mixed, 0, seeded())
    with pytest.raises(CellmlError, match="Mesh 2 has 4 faces but no area"):
        sample_surfaces(mixed.with_vertices(torch.cat([mixed.vertices[:42], torch.zeros(4, 3, dtype=torch.float64)])), 5, seeded())
    with pytest.raises(CellmlError, match="1 of 46 vertices are not finite"):
        broken = mixed.vertices.clone()
        broken[3, 1] = np.nan
        sample_surfaces(mixed.with_vertices(broken), 5, seeded())
    for density in (torch.ones(3), -torch.ones(84)):
        with pytest.raises(CellmlError, match="84 finite numbers"):
            sample_surfaces(mixed, 5, seeded(), density)
