from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.meshops.batch import mesh_batch
from cellml.meshops.feature_pooling import to_nanometres, to_normalised, vert_align

SHAPE, SPACING, ORIGIN = (5, 7, 6), (40.0, 8.0, 4.0), (100.0, -20.0, 3.0)


def ramp():
    """Three channels: x, y and z of each voxel centre, in nm, (1, 3, Z, Y, X)."""
    axes = [o + s * torch.arange(n, dtype=torch.float64) for n, s, o in zip(SHAPE, SPACING, ORIGIN, strict=True)]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    return torch.stack([x, y, z])[None]


def inside(count, seed=0):
    return 2 * torch.rand(1, count, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 1


def test_a_ramp_of_nanometres_is_read_exactly_where_the_points_are():
    normalised = inside(40)
    points = to_nanometres(normalised, SHAPE, SPACING, ORIGIN)
    assert torch.allclose(vert_align(ramp(), normalised), points)
    assert torch.allclose(to_normalised(points, SHAPE, SPACING, ORIGIN), normalised)


def test_the_last_voxel_centre_is_one():
    last = torch.tensor([3.0 + 5 * 4, -20 + 6 * 8, 100 + 4 * 40], dtype=torch.float64)
    assert torch.allclose(to_normalised(last, SHAPE, SPACING, ORIGIN), torch.ones(3, dtype=torch.float64))
    assert torch.allclose(to_nanometres(-torch.ones(3, dtype=torch.float64), SHAPE, SPACING, ORIGIN), torch.tensor(ORIGIN).flip(0).double())


@given(st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_agrees_with_a_loop_over_the_eight_voxels_around(seed):
    rng = torch.Generator().manual_seed(seed)
    level = torch.randn(1, 2, *SHAPE, generator=rng, dtype=torch.float64)
    vertex = inside(1, seed)[0, 0]
    places = [(float(v) + 1) / 2 * (n - 1) for v, n in zip(vertex.flip(0), SHAPE, strict=True)]
    total = torch.zeros(2, dtype=torch.float64)
    for corner in itertools.product((0, 1), repeat=3):
        voxel = [min(int(p) + c, n - 1) for p, c, n in zip(places, corner, SHAPE, strict=True)]
        weight = 1.0
        for p, c in zip(places, corner, strict=True):
            weight *= p - int(p) if c else 1 - (p - int(p))
        total += weight * level[0, :, voxel[0], voxel[1], voxel[2]]
    assert torch.allclose(vert_align(level, vertex[None, None])[0, 0], total)


def test_levels_stand_one_behind_the_other_and_batches_are_packed(mixed):
    rng = torch.Generator().manual_seed(0)
    levels = [torch.randn(3, c, n, n, n, generator=rng, dtype=torch.float64) for c, n in ((4, 6), (2, 3))]
    batch = mixed.with_vertices(0.5 * mixed.vertices)
    packed = vert_align(levels, batch)
    assert packed.shape == (46, 6)
    padded = vert_align(levels, batch.padded_vertices())
    assert padded.shape == (3, 42, 6)
    assert torch.allclose(packed, torch.cat([padded[0], padded[2, :4]]))
    assert torch.allclose(packed[:, :4], vert_align(levels[0], batch))


def test_flat_maps_use_x_and_y():
    flat = ramp()[:, :2, 0]
    normalised = inside(9)
    points = to_nanometres(normalised, SHAPE, SPACING, ORIGIN)
    assert torch.allclose(vert_align(flat, normalised), points[..., :2])


def test_outside_is_zero_or_the_border():
    level, vertex = torch.ones(1, 1, 4, 4, 4), torch.tensor([[[3.0, 0, 0]]])
    assert float(vert_align(level, vertex)) == 0 and float(vert_align(level, vertex, padding="border")) == 1


def test_gradients_are_those_of_differences():
    level, vertices = ramp()[..., ::2].contiguous().requires_grad_(), (0.37 * inside(4)).requires_grad_()
    assert torch.autograd.gradcheck(vert_align, (level, vertices), fast_mode=True)


def test_what_does_not_fit_is_refused(mixed):
    with pytest.raises(CellmlError, match=r"for 3 meshes, got \(2, 1, 4, 4, 4\)"):
        vert_align(torch.zeros(2, 1, 4, 4, 4), mixed)
    with pytest.raises(CellmlError, match="Features must be"):
        vert_align(torch.zeros(1, 4, 4), torch.zeros(1, 2, 3))
    with pytest.raises(CellmlError, match=r"columns \(x, y, z\)"):
        vert_align(torch.zeros(1, 1, 4, 4, 4), torch.zeros(1, 2, 2))
    with pytest.raises(CellmlError, match=r"shape \(1, 5, 5\)"):
        to_normalised(torch.zeros(1, 3), (1, 5, 5), SPACING)


def test_no_vertices_have_no_features(no_mesh):
    batch = mesh_batch([no_mesh[0].float()], [no_mesh[1]])
    assert vert_align(torch.zeros(1, 4, 3, 3, 3), batch).shape == (0, 4)
