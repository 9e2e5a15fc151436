"""Anisotropic diffusion: Selling's decomposition, eigenproblems, and what the scheme promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.imaging.repairs.diffusion import AnisotropicDiffusion, diffuse
from cellml.imaging.repairs.diffusivity import CoherenceEnhancing, EdgeEnhancing, Hybrid
from cellml.imaging.repairs.selling import selling
from cellml.imaging.repairs.smoothing import Gaussian
from cellml.imaging.repairs.structure_tensor import COMPONENTS, eigen, structure_tensor

SPACING = (10.0, 10.0, 10.0)
ALL = [EdgeEnhancing(), CoherenceEnhancing(), Hybrid()]


def tensors(count: int, decades: float, seed: int) -> np.ndarray:
    """Random positive definite matrices (N, 3, 3) of an anisotropy up to 10^decades."""
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.normal(size=(count, 3, 3)))
    return np.einsum("nij,nj,nkj->nik", q, 10 ** rng.uniform(-decades, 0, (count, 3)), q)


def packed(matrices: np.ndarray) -> np.ndarray:
    return np.stack([matrices[:, a, b] for a, b in COMPONENTS]).astype(np.float32)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.floats(0, 3))
def test_weights_are_not_negative_and_restore_the_tensor(seed: int, decades: float) -> None:
    matrices = tensors(50, decades, seed)
    weights, steps = selling(packed(matrices))
    assert (weights >= 0).all()
    restored = np.einsum("kn,kan,kbn->nab", weights.astype(float), steps.astype(float), steps.astype(float))
    np.testing.assert_allclose(restored, matrices, atol=1e-5)


def test_a_diagonal_tensor_needs_the_axes_only() -> None:
    weights, steps = selling(packed(np.diag([3.0, 2.0, 1.0])[None]))
    used = {tuple(np.abs(s[:, 0]).tolist()): float(w[0]) for w, s in zip(weights, steps, strict=True) if w[0] > 0}
    assert used == {(1, 0, 0): 3.0, (0, 1, 0): 2.0, (0, 0, 1): 1.0}


def test_eigenvalues_and_vectors_agree_with_lapack_also_where_they_coincide() -> None:
    special = [np.eye(3), np.zeros((3, 3)), np.ones((3, 3)), np.diag([2.0, 1, 1]), np.diag([1.0, 2, 2]), 1e-8 * np.diag([3.0, 1, 2])]
    matrices = np.concatenate([tensors(300, 4, 0), np.stack(special)])
    values, vectors = eigen(packed(matrices))
    np.testing.assert_allclose(values.T, np.linalg.eigvalsh(matrices)[:, ::-1], atol=1e-6)
    np.testing.assert_allclose(np.einsum("kn,kan,kbn->nab", values, vectors, vectors), matrices, atol=2e-6)
    np.testing.assert_allclose(np.einsum("kan,man->nkm", vectors, vectors), np.broadcast_to(np.eye(3), matrices.shape), atol=1e-5)


def test_the_structure_tensor_of_a_ramp_is_its_gradient_squared() -> None:
    z, y, x = np.meshgrid(np.arange(12.0), np.arange(12.0), np.arange(12.0), indexing="ij")
    tensor = structure_tensor((2 * z + 3 * y - x).astype(np.float32), (20.0, 10.0, 5.0), 0, 0)[:, 5, 5, 5]
    np.testing.assert_allclose(tensor, [0.01, 0.09, 0.04, 0.03, -0.02, -0.06], rtol=1e-4)


def test_diffusivities_at_flat_places_and_at_edges() -> None:
    flat, edge, line = np.zeros((3, 1), np.float32), np.array([[100.0], [0], [0]], np.float32), np.array([[100.0], [100], [0]], np.float32)
    np.testing.assert_allclose(EdgeEnhancing()(flat, 1.0)[:, 0], 1)
    np.testing.assert_allclose(EdgeEnhancing()(edge, 1.0)[:, 0], [0, 1, 1], atol=1e-6)
    at_contrast = np.array([[0.15**2], [0], [0]], np.float32)
    assert EdgeEnhancing(0.15)(at_contrast, 1.0)[0, 0] == pytest.approx(1 - np.exp(-3.31488), rel=1e-4)
    np.testing.assert_allclose(CoherenceEnhancing()(flat, 1.0)[:, 0], 0.01)
    np.testing.assert_allclose(CoherenceEnhancing()(line, 1.0)[:, 0], [0.01, 0.01, 1], atol=1e-3)
    hybrid = Hybrid(coherence=1.0)
    np.testing.assert_allclose(hybrid(line, 1.0), CoherenceEnhancing()(line, 1.0))
    np.testing.assert_allclose(hybrid(flat, 1.0), EdgeEnhancing()(flat, 1.0))


@pytest.mark.parametrize("diffusivity", ALL)
@pytest.mark.parametrize("spacing", [SPACING, (30.0, 10.0, 5.0)])
def test_mean_is_kept_and_no_value_leaves_the_range(diffusivity: Any, spacing: tuple[float, float, float]) -> None:
    image = np.random.default_rng(0).standard_normal((10, 14, 16)).astype(np.float32)
    image[:, :, 8:] += 6
    done = AnisotropicDiffusion(diffusivity, 25.0, updates=3)(image, spacing)
    assert done.mean(dtype=float) == pytest.approx(image.mean(dtype=float), abs=1e-6)
    assert image.min() <= done.min() and done.max() <= image.max() and not np.allclose(done, image, atol=0.1)


@pytest.mark.parametrize("diffusivity", ALL)
def test_flat_stays_flat_and_no_time_changes_nothing(diffusivity: Any) -> None:
    flat = np.full((6, 6, 6), 3.0, np.float32)
    assert np.array_equal(AnisotropicDiffusion(diffusivity)(flat, SPACING), flat)
    image = np.random.default_rng(0).standard_normal((6, 6, 6)).astype(np.float32)
    assert np.array_equal(AnisotropicDiffusion(diffusivity, 0.0)(image, SPACING), image)


def test_an_edge_in_any_direction_is_kept_where_a_gaussian_of_the_same_time_blurs_it() -> None:
    """The direction (1, 2, 3) is one in which stencils with fixed neighbours leak."""
    z, y, x = np.meshgrid(*(np.arange(-14.0, 15),) * 3, indexing="ij")
    depth = (z + 2 * y + 3 * x) / np.sqrt(14)
    noisy = 5.0 * (depth > 0) + np.random.default_rng(0).normal(0, 0.5, depth.shape)
    kept = AnisotropicDiffusion(length_nm=25.0)(noisy.astype(np.float32), SPACING)
    blurred = Gaussian(25.0)(noisy.astype(np.float32), SPACING)
    inner = (np.abs(z) < 8) & (np.abs(y) < 8) & (np.abs(x) < 8)
    rise = [
        float(d[inner & (depth > 0.5) & (depth < 1.5)].mean() - d[inner & (depth < -0.5) & (depth > -1.5)].mean()) for d in (kept, blurred)
    ]
    assert rise[0] > 4.5 and rise[1] < 2.2
    far = inner & (depth > 4)
    assert kept[far].std() < 0.2 * noisy[far].std()


def test_isotropic_diffusion_is_a_gaussian() -> None:
    class Even:
        def __call__(self, values: np.ndarray, scale: float) -> np.ndarray:
            return np.ones_like(values)

    image = np.random.default_rng(1).standard_normal((12, 30, 30)).astype(np.float32)
    image = Gaussian(15.0)(image, (20.0, 10.0, 10.0))  # smooth, so that the grid does not matter
    done = AnisotropicDiffusion(Even(), 20.0)(image, (20.0, 10.0, 10.0))
    expected = Gaussian(20.0)(image, (20.0, 10.0, 10.0))
    assert np.abs(done - expected)[3:-3, 8:-8, 8:-8].max() < 0.06 * image.std()


def test_a_line_is_smoothed_along_itself_by_coherence() -> None:
    image = np.zeros((16, 16, 40), np.float32)
    image[7:10, 7:10] = 4
    image[:, :, 18:22] = 0  # a gap
    closed = AnisotropicDiffusion(CoherenceEnhancing(0.05), 40.0, noise_nm=7.0, integration_nm=25.0)(image, SPACING)
    blurred = Gaussian(20.0)(image, SPACING)
    assert closed[8, 8, 19] > 0.25 and closed[8, 8, 10] > 1.8 * blurred[8, 8, 10] and closed[8, 8, 19] > 2 * closed[12, 8, 10]


def test_diffuse_equals_its_formula_written_out() -> None:
    rng = np.random.default_rng(0)
    u = rng.standard_normal((3, 4, 5)).astype(np.float32)
    weights, steps = selling(packed(tensors(60, 1.5, 3)))
    slow, tau = u.astype(float).copy(), 1e-3
    for v in range(60):
        place = np.array(np.unravel_index(v, u.shape))
        for k in range(6):
            for sign in (1, -1):
                end = place + sign * steps[k, :, v]
                if (end >= 0).all() and (end < u.shape).all():
                    flux = 0.5 * weights[k, v] * (float(u[tuple(end)]) - float(u[tuple(place)]))
                    slow[tuple(place)] += tau * flux
                    slow[tuple(end)] -= tau * flux
    np.testing.assert_allclose(diffuse(u, weights, steps, tau), slow, atol=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: AnisotropicDiffusion(length_nm=-1),
        lambda: AnisotropicDiffusion(updates=0),
        lambda: EdgeEnhancing(0),
        lambda: CoherenceEnhancing(least=0),
    ],
)
def test_numbers_that_mean_nothing_are_refused(make: Any) -> None:
    with pytest.raises(CellmlError):
        make()
