from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from cellml.errors import CellmlError
from cellml.meshops.geometry import face_areas, face_normals, surface_areas, unit, volumes
from cellml.meshops.marching_tetrahedra import marching_tetrahedra, sign_clamp

ONE = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=torch.float64)
TETS = torch.tensor([[0, 1, 2, 3]])


def genus(batch):
    """Of one connected closed surface: 1 − χ/2."""
    topology = batch.topology
    return 1 - (topology.vertex_counts[0] - topology.edge_counts[0] + topology.face_counts[0]) // 2


def is_manifold(batch):
    """Each edge has two faces, which run through it in opposite directions."""
    directed = torch.cat([batch.faces[:, [0, 1]], batch.faces[:, [1, 2]], batch.faces[:, [2, 0]]])
    codes = directed[:, 0] * len(batch.vertices) + directed[:, 1]
    reverse = directed[:, 1] * len(batch.vertices) + directed[:, 0]
    return len(codes.unique()) == len(codes) and torch.equal(codes.sort().values, reverse.sort().values)


def sphere_field(points, radius=0.7):
    return points.norm(dim=-1) - radius


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("signs", [s for s in itertools.product((-1.0, 1.0), repeat=4) if len(set(s)) == 2])
def test_each_case_cuts_the_edges_that_change_sign_and_looks_outwards(signs, swap):
    field = torch.tensor(signs, dtype=torch.float64)
    tets = TETS[:, [1, 0, 2, 3]] if swap else TETS  # the orientation of a tetrahedron does not matter
    batch = marching_tetrahedra(ONE, tets, field)
    inside = int((field < 0).sum())
    assert len(batch.vertices) == inside * (4 - inside) and len(batch.faces) == (2 if inside == 2 else 1)
    outwards = ONE[field > 0].mean(0) - ONE[field < 0].mean(0)
    assert ((face_normals(batch) @ outwards) > 0).all()


def test_area_and_volume_of_a_sphere_converge(grid):
    errors = []
    for n in (4, 8, 16):
        points, tets = grid(n)
        batch = marching_tetrahedra(points, tets, sphere_field(points))
        assert is_manifold(batch) and genus(batch) == 0
        errors.append((1 - float(volumes(batch)) / (4 / 3 * np.pi * 0.7**3), 1 - float(surface_areas(batch)) / (4 * np.pi * 0.7**2)))
        outward = (face_normals(batch) * unit(batch.corners().mean(1))).sum(1)
        assert float(outward.min()) > 0.5
    ratios = np.array(errors[:-1]) / np.array(errors[1:])
    assert (ratios > 3).all() and max(errors[-1]) < 0.03


def test_a_torus_has_genus_one(grid):
    points, tets = grid(14)
    ring = torch.stack([points[:, :2].norm(dim=1) - 0.6, points[:, 2]], 1).norm(dim=1) - 0.25
    batch = marching_tetrahedra(points, tets, ring)
    assert is_manifold(batch) and genus(batch) == 1
    assert float(volumes(batch)) == pytest.approx(2 * np.pi**2 * 0.6 * 0.25**2, rel=0.1)


def test_a_cut_stands_where_the_linear_field_is_zero():
    field = torch.tensor([-1.0, 3.0, 1.0, 7.0], dtype=torch.float64, requires_grad=True)
    batch = marching_tetrahedra(ONE, TETS, field)
    assert torch.allclose(batch.vertices, torch.diag(torch.tensor([1 / 4, 1 / 2, 1 / 8], dtype=torch.float64)))
    batch.vertices[0, 0].backward()  # x = s₀ / (s₀ − s₁): dx/ds₀ = −s₁ / (s₀ − s₁)², dx/ds₁ = s₀ / (s₀ − s₁)²
    assert field.grad.tolist() == pytest.approx([-3 / 16, -1 / 16, 0, 0])


def test_gradients_to_field_and_grid_are_those_of_differences():
    rng = torch.Generator().manual_seed(0)
    points = (ONE + 0.1 * torch.randn(4, 3, generator=rng, dtype=torch.float64)).requires_grad_()
    for signs in ([-1.0, 1, 1, 2], [-1.0, -0.5, 1, 2]):
        field = torch.tensor(signs, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda p, f: marching_tetrahedra(p, TETS, f).vertices, (points, field))


def test_volume_follows_the_radius(grid):
    """dV/dr = 4πr², through the field."""
    points, tets = grid(16)
    radius = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    volumes(marching_tetrahedra(points, tets, sphere_field(points, radius))).sum().backward()
    assert float(radius.grad) == pytest.approx(4 * np.pi * 0.7**2, rel=0.02)


class TestZeros:
    """A field that is exactly zero at vertices of the grid."""

    def test_clamp_moves_small_values_by_their_sign_and_passes_the_gradient(self):
        field = torch.tensor([-2.0, -0.01, -0.0, 0.0, 0.01, 2.0], requires_grad=True)
        clamped = sign_clamp(field, 0.1)
        assert clamped.tolist() == pytest.approx([-2, -0.1, 0.1, 0.1, 0.1, 2])
        clamped.sum().backward()
        assert field.grad.tolist() == [1] * 6

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_a_plane_through_grid_vertices_is_manifold_with_defined_gradients(self, grid, dtype):
        points, tets = grid(4)
        points = points.to(dtype)
        field = (points[:, 0].abs() - 0.5).requires_grad_()
        assert int((field == 0).sum()) > 20
        batch = marching_tetrahedra(points, tets, field)
        assert float(face_areas(batch).detach().min()) > 0
        edges = torch.bincount(batch.topology.face_edges.flatten())
        assert int(edges.max()) == 2
        assert torch.allclose(batch.vertices[:, 0].abs(), torch.tensor(0.5, dtype=dtype), atol=1e-3)
        batch.vertices.square().sum().backward()
        assert torch.isfinite(field.grad).all() and field.grad[field.detach() == 0].any()

    def test_a_field_that_is_zero_everywhere_has_no_surface(self, grid):
        points, tets = grid(2)
        assert len(marching_tetrahedra(points, tets, torch.zeros(len(points), dtype=torch.float64)).faces) == 0

    def test_one_zero_beside_positive_values_has_no_surface(self):
        assert len(marching_tetrahedra(ONE, TETS, torch.tensor([0.0, 1, 1, 1], dtype=torch.float64)).faces) == 0

    def test_one_zero_beside_negative_values_is_cut_off(self):
        batch = marching_tetrahedra(ONE, TETS, torch.tensor([0.0, -1, -1, -1], dtype=torch.float64))
        assert len(batch.faces) == 1 and float(batch.vertices.max()) == pytest.approx(1e-3, rel=2e-3)


def test_batches_mix_empty_surfaces_with_full_ones(grid):
    points, tets = grid(6)
    fields = torch.stack([sphere_field(points), torch.ones(len(points)), -torch.ones(len(points)), sphere_field(points, 0.4)])
    batch = marching_tetrahedra(points, tets, fields)
    assert [n > 0 for n in batch.topology.face_counts] == [True, False, False, True]
    alone = marching_tetrahedra(points, tets, fields[3])
    assert torch.equal(batch.vertex_list()[3], alone.vertices) and torch.equal(batch.face_list()[3], alone.faces)


def test_grids_of_their_own(grid):
    points, tets = grid(10)
    both = torch.stack([points, 2 * points])
    batch = marching_tetrahedra(both, tets, torch.stack([sphere_field(points)] * 2))
    assert torch.allclose(volumes(batch)[1], 8 * volumes(batch)[0])


def test_an_anisotropy_of_ten_to_one(grid):
    """Voxels of 4 × 4 × 40 nm: the same ball in a grid of flat tetrahedra."""
    points, tets = grid(10)
    flat = points * torch.tensor([1.0, 1.0, 10.0], dtype=torch.float64)
    batch = marching_tetrahedra(flat, tets, sphere_field(points))
    assert is_manifold(batch) and genus(batch) == 0
    assert torch.allclose(volumes(batch), 10 * volumes(marching_tetrahedra(points, tets, sphere_field(points))))


def test_an_object_cut_by_the_border_is_open_there(grid):
    points, tets = grid(6)
    batch = marching_tetrahedra(points, tets, points[:, 2] - 0.2)
    border = batch.edges[batch.topology.border_edges].unique()
    assert len(border) and (batch.vertices[border, :2].abs().amax(1) > 0.999).all()


def test_single_precision_at_ten_thousand_nanometres(grid):
    points, tets = grid(8)
    far = (100 * points + 1e4).float()
    batch = marching_tetrahedra(far, tets, (100 * sphere_field(points)).float())
    assert is_manifold(batch) and float(face_areas(batch).min()) >= 0
    exact = marching_tetrahedra(far.double(), tets, (100 * sphere_field(points)).float().double())
    assert float((batch.vertices.double() - exact.vertices).abs().max()) < 2e-3


def test_the_volume_jumps_by_a_thousandth_of_a_cube_where_a_vertex_changes_sign(grid):
    points, tets = grid(8)
    distance = points.norm(dim=1)
    radius = distance[(distance - 0.7).abs().argmin()]
    around = [volumes(marching_tetrahedra(points, tets, distance - radius * share)).item() for share in (1 - 1e-9, 1 + 1e-9)]
    changing = int(torch.isclose(distance, radius, rtol=1e-12).sum())
    assert 0 < abs(around[1] - around[0]) / changing / 0.25**3 < 1.5e-3


def test_bad_grids_and_fields_are_refused():
    good = torch.tensor([-1.0, 1, 1, 1], dtype=torch.float64)
    for points, tets, field, words in (
        (ONE, TETS, good[:3], r"\(N, 4\), a value for each point"),
        (ONE, TETS * 2, good, "name the points 0 to 6, but the grid has 4"),
        (ONE, TETS[:, :3], good, r"int64 tets \(T, 4\)"),
        (ONE, TETS, good * float("nan"), "4 of 4 field values"),
        (ONE * float("inf"), TETS, good, "grid coordinates"),
    ):
        with pytest.raises(CellmlError, match=words):
            marching_tetrahedra(points, tets, field)
    with pytest.raises(CellmlError, match="closeness"):
        marching_tetrahedra(ONE, TETS, good, closeness=0.6)
