"""The projector against line integrals in closed form, a readable twin, its transpose, its other implementation and finite differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.tomography import bags, kernels
from cellml.tomography.geometry import centre, rays
from cellml.tomography.projector import ParallelProjector

TILTS = np.array([-90.0, -67.3, -45.0, -20.0, 0.0, 33.0, 45.0, 51.5, 90.0, 135.0])


def weights(tilts: np.ndarray, depth: int, breadth: int, width: int, shift: float) -> np.ndarray:
    """(N, width, depth, breadth), entry by entry from the formula in words."""
    result = np.zeros((len(tilts), width, depth, breadth))
    for n, tilt in enumerate(np.deg2rad(tilts)):
        reach = max(abs(math.cos(tilt)), abs(math.sin(tilt)))
        for i in range(width):
            for z in range(depth):
                for x in range(breadth):
                    u = centre(width) + shift + (x - centre(breadth)) * math.cos(tilt) + (z - centre(depth)) * math.sin(tilt)
                    result[n, i, z, x] = max(0.0, reach - abs(i - u)) / reach**2
    return result


def test_projection_and_back_projection_equal_the_twin() -> None:
    rng = np.random.default_rng(0)
    volume, lines = rng.normal(size=(5, 8, 3)), rng.normal(size=(len(TILTS), 7, 3))
    geometry = rays(TILTS, depth=5, breadth=8, width=7, shift=0.7)
    matrix = weights(TILTS, 5, 8, 7, 0.7)
    forward, back = np.einsum("nuzx,zxk->nuk", matrix, volume), np.einsum("nuzx,nuk->zxk", matrix, lines)
    for module, cast in ((kernels, np.asarray), (bags, torch.from_numpy)):
        assert np.allclose(module.project(cast(volume), geometry), forward, atol=1e-12)
        assert np.allclose(module.backproject(cast(lines), geometry), back, atol=1e-12)


def test_more_columns_than_one_part_are_projected_alike() -> None:
    rng = np.random.default_rng(1)
    volume = rng.normal(size=(4, 6, 300)).astype(np.float32)
    geometry = rays([-30.0, 10.0, 60.0], depth=4, breadth=6)
    lines = kernels.project(volume, geometry)
    assert np.allclose(lines[:, :, 290:], kernels.project(volume[:, :, 290:], geometry), atol=1e-5)
    assert np.allclose(kernels.backproject(lines, geometry)[:, :, 290:], kernels.backproject(lines[:, :, 290:], geometry), atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 5), st.integers(1, 12)),
    width=st.integers(1, 14),
    count=st.integers(1, 6),
    shifted=st.booleans(),
)
def test_adjoint_is_the_transpose(seed: int, shape: tuple[int, int, int], width: int, count: int, shifted: bool) -> None:
    random = torch.Generator().manual_seed(seed)
    tilts = torch.rand(count, generator=random) * 180 - 90
    shifts = torch.randn(count, 2, generator=random) * 2 if shifted else None
    projector = ParallelProjector(tilts, shape, width=width, shifts=shifts)
    volume, lines = torch.rand(2, *shape, generator=random), torch.rand(2, *projector.projection_shape, generator=random)
    forward = (projector.forward(volume).double() * lines.double()).sum()
    back = (volume.double() * projector.adjoint(lines).double()).sum()
    scale = max(abs(float(forward)), 1e-3)
    assert abs(float(forward - back)) <= 1e-6 * scale


def test_line_integrals_of_a_disc_are_its_chords() -> None:
    size, radius = 101, 30.0
    z, x = np.mgrid[:size, :size] - centre(size)
    fine = np.zeros((size, size))
    for dz in np.linspace(-0.45, 0.45, 10):  # shares of voxels at the edge
        for dx in np.linspace(-0.45, 0.45, 10):
            fine += ((z + dz) ** 2 + (x + dx) ** 2 <= radius**2) / 100
    lines = ParallelProjector(TILTS, (size, 1, size)).forward(torch.from_numpy(fine)[:, None])[:, 0].numpy()
    u = np.arange(size) - centre(size)
    chord = 2 * np.sqrt(np.maximum(radius**2 - u**2, 0))
    inside = np.abs(u) < 28
    assert np.abs(lines - chord)[:, inside].max() < 0.8
    assert np.abs(lines - chord)[:, inside].mean() < 0.15


def test_a_slab_gets_longer_with_the_tilt() -> None:
    tilts = np.array([0.0, 30.0, 45.0, 60.0])
    lines = ParallelProjector(tilts, (10, 1, 201)).forward(torch.ones(10, 1, 201, dtype=torch.float64))[:, 0]
    assert np.allclose(lines[:, 100], 10 / np.cos(np.deg2rad(tilts)), rtol=0.03)
    assert np.allclose(lines[:3, 90:110].std(1), 0, atol=1e-9)  # Joseph's weights add up the same for every ray up to 45°


@pytest.mark.parametrize("direction", ["forward", "adjoint"])
def test_gradients_by_data_tilts_and_shifts(direction: str) -> None:
    random = torch.Generator().manual_seed(2)
    tilts = torch.tensor([-50.3, -20.1, 3.2, 41.7, 61.0, 120.0], dtype=torch.float64, requires_grad=True)
    shifts = torch.randn(6, 2, generator=random, dtype=torch.float64).requires_grad_()
    shape = (2, 4, 3, 6) if direction == "forward" else (2, 6, 3, 6)
    data = torch.rand(shape, generator=random, dtype=torch.float64, requires_grad=True)

    def call(data: torch.Tensor, tilts: torch.Tensor, shifts: torch.Tensor) -> torch.Tensor:
        result = getattr(ParallelProjector(tilts, (4, 3, 6), shifts=shifts), direction)(data)
        assert isinstance(result, torch.Tensor)
        return result

    assert torch.autograd.gradcheck(call, (data, tilts, shifts))
    assert torch.autograd.gradgradcheck(lambda d: call(d, tilts.detach(), shifts.detach()), (data,))


def test_both_implementations_have_the_same_sensitivities() -> None:
    rng = np.random.default_rng(3)
    geometry = rays(TILTS, depth=6, breadth=9, width=8, shift=0.4)
    volume, lines = rng.normal(size=(6, 9, 4)), rng.normal(size=(len(TILTS), 8, 4))
    ours = kernels.sensitivities(volume, lines, geometry)
    theirs = bags.sensitivities(torch.from_numpy(volume), torch.from_numpy(lines), geometry)
    assert all(np.allclose(a, b.numpy(), atol=1e-10) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.gpu
def test_the_gpu_agrees_with_the_processor() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    volume = torch.rand(2, 20, 6, 30)
    projector = ParallelProjector(TILTS, (20, 6, 30))
    lines = projector.forward(volume)
    assert torch.allclose(projector.forward(volume.cuda()).cpu(), lines, atol=1e-4)
    assert torch.allclose(projector.adjoint(lines.cuda()).cpu(), projector.adjoint(lines), atol=1e-3)


def test_wrong_shapes_and_types_are_refused() -> None:
    projector = ParallelProjector([0.0, 10.0], (3, 4, 5))
    with pytest.raises(CellmlError, match="last lengths"):
        projector.forward(torch.zeros(3, 5, 5))
    with pytest.raises(CellmlError, match="float32 or float64"):
        projector.adjoint(torch.zeros(2, 4, 5, dtype=torch.int64))
    with pytest.raises(CellmlError, match="shifts of shape"):
        ParallelProjector([0.0, 10.0], (3, 4, 5), shifts=[[0.0, 1.0]])
    with pytest.raises(CellmlError, match=r"\(Z, Y, X\)"):
        ParallelProjector([0.0], (3, 4))
