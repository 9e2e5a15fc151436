from __future__ import annotations

import pytest
import torch

from cellml.errors import CellmlError
from cellml.meshops.batch import mesh_batch
from cellml.meshops.geometry import volumes
from cellml.meshops.smoothing import taubin_smoothing


def by_loop(batch, steps, shrink, inflate):
    vertices = batch.vertices.clone()
    around = {i: set() for i in range(len(vertices))}
    for i, j in batch.edges.tolist():
        around[i].add(j)
        around[j].add(i)
    for share in [shrink, inflate] * steps:
        moved = vertices.clone()
        for i, near in around.items():
            if near:
                weights = {j: 1 / (vertices[i] - vertices[j]).norm() for j in near}
                mean = sum(w * vertices[j] for j, w in weights.items()) / sum(weights.values())
                moved[i] = vertices[i] + share * (mean - vertices[i])
        vertices = moved
    return vertices


def noisy(batch, size=0.05):
    return batch.with_vertices(
        batch.vertices + size * torch.randn(batch.vertices.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    )


def test_agrees_with_a_loop_and_leaves_lonely_vertices(mixed):
    lonely = torch.full((1, 3), 9.0, dtype=torch.float64)
    ragged = noisy(mixed)
    batch = mesh_batch([torch.cat([ragged.vertex_list()[0], lonely]), *ragged.vertex_list()[1:]], ragged.face_list())
    found = taubin_smoothing(batch, 3, 0.4, -0.42).vertices
    assert torch.allclose(found, by_loop(batch, 3, 0.4, -0.42))
    assert torch.equal(found[42], lonely[0])


def test_noise_goes_and_volume_stays(sphere):
    vertices, faces = sphere(3)
    smooth = mesh_batch([vertices], [faces])
    rough = noisy(smooth, 0.03)
    found = taubin_smoothing(rough, 20)
    spread = [float(batch.vertices.norm(dim=1).std()) for batch in (rough, found)]
    assert spread[1] < 0.5 * spread[0]
    assert float(volumes(found)) == pytest.approx(float(volumes(smooth)), rel=0.02)


def test_nothing_moves_in_no_step(mixed):
    assert torch.allclose(taubin_smoothing(mixed, 0).vertices, mixed.vertices)


def test_gradients_are_those_of_differences(tetrahedron):
    batch = noisy(mesh_batch([tetrahedron[0]], [tetrahedron[1]]))
    leaf = batch.vertices.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda v: taubin_smoothing(batch.with_vertices(v), 2).vertices, (leaf,), fast_mode=True)


def test_single_precision_at_ten_thousand_nanometres(sphere):
    vertices, faces = sphere(2, radius=100.0)
    batch = mesh_batch([(vertices + 1e4).float()], [faces])
    exact = taubin_smoothing(batch.to(torch.float64)).vertices
    assert float((taubin_smoothing(batch).vertices.double() - exact).abs().max()) < 2e-3  # two roundings of 10⁴ in float32


@pytest.mark.parametrize("options", [{"steps": -1}, {"shrink": -0.1}, {"inflate": 0.2}])
def test_other_factors_are_refused(mixed, options):
    with pytest.raises(CellmlError, match="shrink > 0 > inflate"):
        taubin_smoothing(mixed, **options)
