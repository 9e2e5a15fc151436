"""The same answers and gradients on a CUDA device as on the CPU."""

from __future__ import annotations

import pytest
import torch

from cellml.meshops import backend
from cellml.meshops.batch import mesh_batch
from cellml.meshops.chamfer import chamfer_distance
from cellml.meshops.cubify import cubify
from cellml.meshops.curvature import mean_curvature
from cellml.meshops.feature_pooling import vert_align
from cellml.meshops.geometry import surface_areas, vertex_normals, volumes
from cellml.meshops.graph_convolution import neighbour_sums
from cellml.meshops.marching_tetrahedra import marching_tetrahedra
from cellml.meshops.point_mesh import point_edge_loss, point_face_loss
from cellml.meshops.regularisers import (
    cotangent_laplacian_loss,
    curvature_laplacian_loss,
    edge_loss,
    normal_consistency,
    uniform_laplacian_loss,
)
from cellml.meshops.sampling import sample_surfaces
from cellml.meshops.smoothing import taubin_smoothing
from cellml.meshops.subdivision import subdivide

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]


def clouds(batch):
    rng = torch.Generator().manual_seed(0)
    return [torch.randn(n, 3, generator=rng).to(batch.vertices) for n in (50, 30)]


def maps(batch):
    return torch.randn(2, 3, 5, 6, 7, generator=torch.Generator().manual_seed(0)).to(batch.vertices)


OPERATIONS = {
    "edge": edge_loss,
    "uniform": uniform_laplacian_loss,
    "cotangent": cotangent_laplacian_loss,
    "curvature loss": curvature_laplacian_loss,
    "normal consistency": normal_consistency,
    "areas": lambda b: surface_areas(b).sum(),
    "volumes": lambda b: volumes(b).sum(),
    "normals": lambda b: vertex_normals(b).square()[:, 0].sum(),
    "curvature": lambda b: mean_curvature(b).square().sum(),
    "faces": lambda b: point_face_loss(b, clouds(b)),
    "edges": lambda b: point_edge_loss(b, clouds(b)),
    "chamfer": lambda b: chamfer_distance(b.vertices[None], torch.cat(clouds(b))[None]).distance,
    "chamfer, sum norm": lambda b: chamfer_distance(b.vertices[None], torch.cat(clouds(b))[None], norm=1).distance,
    "samples": lambda b: sample_surfaces(b, 100, torch.Generator().manual_seed(0)).points.square().sum(),
    "smoothing": lambda b: taubin_smoothing(b, 3).vertices.square().sum(),
    "subdivision": lambda b: subdivide(b).vertices.square().sum(),
    "neighbours": lambda b: neighbour_sums(b.vertices, b.edges).square().sum(),
    "pooling": lambda b: vert_align(maps(b), b).square().sum(),
}


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("name", OPERATIONS)
def test_values_and_gradients(parity, name, plain):
    results = []
    for device in ("cpu", "cuda"):
        a, b = (parity[n].to(device).requires_grad_() for n in ("verts_a", "verts_b"))
        batch = mesh_batch([a, b], [parity["faces_a"].to(device), parity["faces_b"].to(device)])
        if plain:
            with backend.plain_torch():
                value = OPERATIONS[name](batch)
        else:
            value = OPERATIONS[name](batch)
        value.backward()
        results.append((value.detach().cpu(), a.grad.cpu(), b.grad.cpu()))
    torch.testing.assert_close(results[1], results[0], rtol=1e-3, atol=1e-5)


def test_makers(grid):
    points, tets = grid(6)
    field = points.norm(dim=1) - 0.7
    here, there = marching_tetrahedra(points, tets, field), marching_tetrahedra(points.cuda(), tets.cuda(), field.cuda())
    assert torch.equal(here.faces, there.faces.cpu()) and torch.allclose(here.vertices, there.vertices.cpu())
    occupancy = torch.rand(2, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    with backend.plain_torch():
        cubes, same = cubify(occupancy), cubify(occupancy.cuda())
    assert torch.equal(cubes.faces, same.faces.cpu()) and torch.equal(cubes.vertices, same.vertices.cpu())


def test_chamfer_of_a_hundred_thousand_points_is_bounded():
    rng = torch.Generator().manual_seed(0)
    x, y = (torch.rand(1, 100_000, 3, generator=rng).cuda() for _ in range(2))
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    with backend.plain_torch():
        found = chamfer_distance(x, y).distance
    assert torch.cuda.max_memory_allocated() - before < 1e9
    assert float(found) == pytest.approx(float(chamfer_distance(x.cpu(), y.cpu()).distance), rel=1e-4)
