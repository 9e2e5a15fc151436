from __future__ import annotations

import numpy as np
import pytest
import torch

from cellml.errors import CellmlError
from cellml.losses.mesh import Pixel2MeshLoss, curvature_density, laplacian_change, normal_loss
from cellml.meshops.batch import MeshBatch
from cellml.nets.mesh_template import icosphere
from cellml.nets.pixel2mesh import Deformation


def sphere(radius: float = 1.0, level: int = 2) -> MeshBatch:
    unit = icosphere(level)
    return unit.with_vertices(radius * unit.vertices)


DENSE = icosphere(5).vertices[None]


def test_a_sphere_of_the_right_radius_is_best() -> None:
    loss = Pixel2MeshLoss(samples=3000)
    totals = [float(loss([Deformation(sphere(r), sphere(r))], DENSE, DENSE).total) for r in (0.8, 1.0, 1.2)]
    assert totals[1] < min(totals[0], totals[2]) / 2
    parts = loss([Deformation(sphere(0.8, 3), sphere(0.8, 3))], DENSE, DENSE).parts
    assert float(parts["chamfer"]) == pytest.approx(2 * 0.2**2, rel=0.1)
    assert set(parts) == {"chamfer", "normal", "laplacian", "edge"}


def test_the_sum_is_over_stages_and_weights_act_on_their_part() -> None:
    stage = Deformation(sphere(), sphere(0.9))
    one = Pixel2MeshLoss(samples=500)([stage], DENSE, DENSE)
    two = Pixel2MeshLoss(samples=500)([stage, stage], DENSE, DENSE)
    assert float(two.parts["edge"]) == pytest.approx(2 * float(one.parts["edge"]))
    heavy = Pixel2MeshLoss(samples=500, edge=0.2)([stage], DENSE, DENSE)
    assert float(heavy.parts["edge"]) == pytest.approx(10 * float(one.parts["edge"]))
    assert float(one.total) == pytest.approx(sum(float(v) for v in one.parts.values()))


def test_gradients_pull_vertices_outwards_where_the_truth_is_larger() -> None:
    vertices = sphere(0.7).vertices.clone().requires_grad_()
    mesh = sphere().with_vertices(vertices)
    Pixel2MeshLoss(normal=0, laplacian=0, edge=0, samples=4000)([Deformation(sphere(0.7), mesh)], DENSE, DENSE).total.backward()
    assert vertices.grad is not None
    assert ((vertices.grad * vertices).sum(1) < 0).float().mean() > 0.95


def test_edges_of_a_sphere_are_tangent_to_its_normals_and_not_to_others() -> None:
    fine = sphere(level=4)
    assert float(normal_loss(fine, DENSE, DENSE)) < 5e-3  # chords leave the tangent plane by half their angle
    along_z = torch.tensor([0.0, 0, 1]).expand_as(DENSE)
    # an edge direction in the tangent plane has ⟨e, z⟩² = sin²θ / 2 on average, whose mean over the sphere is 1/3
    assert float(normal_loss(fine, DENSE, along_z)) == pytest.approx(1 / 3, abs=0.02)


def test_moving_all_vertices_alike_changes_no_laplacian() -> None:
    before = sphere()
    moved = before.with_vertices(before.vertices + torch.tensor([3.0, 1, 2]))
    assert float(laplacian_change(before, moved)) < 1e-10
    noise = 0.1 * torch.randn(before.vertices.shape, generator=torch.Generator().manual_seed(0))
    slow = []
    for v in range(len(before.vertices)):
        ends = before.edges[(before.edges == v).any(1)].reshape(-1)
        slow.append(float((noise[v] - noise[ends[ends != v]].mean(0)).square().sum()))
    assert float(laplacian_change(before, before.with_vertices(before.vertices + noise))) == pytest.approx(np.mean(slow), rel=1e-5)


def test_curved_places_are_sampled_more_densely() -> None:
    density = curvature_density(sphere(2.5, 3), 0.5)
    torch.testing.assert_close(density, torch.full_like(density, 1.5), atol=0.05, rtol=0)
    unit = icosphere(3)
    cigar = unit.with_vertices(unit.vertices * torch.tensor([0.3, 0.3, 2.0]))
    height = cigar.corners().mean(1)[:, 2].abs()
    uneven = curvature_density(cigar, 1.0)
    assert uneven[height > 1.9].mean() > 2 * uneven[height < 0.3].mean()


def test_bad_input_is_refused() -> None:
    with pytest.raises(CellmlError, match="at least 0"):
        Pixel2MeshLoss(chamfer=-1.0)
