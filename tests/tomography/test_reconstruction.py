"""Every method on a phantom with projections in closed form, and what they share: slabs, units, refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from cellml.errors import CellmlError
from cellml.tomography import variation_kernels
from cellml.tomography.conjugate_gradients import ConjugateGradients, conjugate_gradients
from cellml.tomography.ellipses import ellipse_series, section
from cellml.tomography.filters import Exact, Hamming, SirtLike
from cellml.tomography.geometry import rays
from cellml.tomography.line_integrals import backproject, project
from cellml.tomography.reconstruction import reconstruct, slabs, value_unit
from cellml.tomography.sirt import Sirt, normalisation, sirt, spread
from cellml.tomography.total_variation import TotalVariation, denoised, divergence, gradient, total_variation
from cellml.tomography.wbp import wbp
from cellml.tomography.wiener import wiener
from cellml.types import TiltSeries, Volume

FULL, WEDGE = np.arange(-90, 90, 3.0), np.arange(-60, 61, 3.0)
SIZE, DEPTH = 64, 40


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


METHODS: dict[str, Callable[[TiltSeries], Volume]] = {
    "wbp": lambda s: wbp(s, DEPTH),
    "wbp_exact": lambda s: wbp(s, DEPTH, Exact()),
    "sirt": lambda s: sirt(s, DEPTH, iterations=60),
    "sart": lambda s: sirt(s, DEPTH, iterations=3, subsets=len(s.data)),
    "cg": lambda s: conjugate_gradients(s, DEPTH, iterations=12),
    "tv": lambda s: total_variation(s, DEPTH, weight=0.002, iterations=30),
    "wiener": lambda s: wiener(s, DEPTH, iterations=8),
}
LEAST = {"wbp": 0.96, "wbp_exact": 0.96, "sirt": 0.96, "sart": 0.97, "cg": 0.97, "tv": 0.97, "wiener": 0.97}


@pytest.mark.parametrize("name", list(METHODS))
def test_all_tilts_give_the_phantom_back_in_its_own_unit(name: str) -> None:
    truth, found = section(DEPTH, SIZE), METHODS[name](ellipse_series(FULL, SIZE, pixel=2.0))
    assert found.data.shape == (DEPTH, 1, SIZE) and found.spacing == (2.0, 2.0, 2.0) and found.data.dtype == np.float32
    assert correlation(found.data[:, 0], truth) > LEAST[name]
    slope = np.polyfit(truth.ravel(), found.data[:, 0].ravel(), 1)[0]
    assert slope == pytest.approx(1, abs=0.12)


@pytest.mark.parametrize("name", list(METHODS))
def test_values_scale_with_the_projections(name: str) -> None:
    tilts = ellipse_series(WEDGE, SIZE)
    once, more = METHODS[name](tilts).data, METHODS[name](replace(tilts, data=tilts.data * 1000)).data
    assert np.allclose(more, 1000 * once, atol=1e-2 * np.abs(once).max() * 1000)


def test_iterations_beat_back_projection_where_a_wedge_is_missing() -> None:
    truth, tilts = section(DEPTH, SIZE), ellipse_series(WEDGE, SIZE)
    errors = {name: float(np.square(METHODS[name](tilts).data[:, 0] - truth).mean()) for name in METHODS}
    assert max(errors[name] for name in ("sart", "cg", "tv")) < errors["wbp"]


def test_sirt_approaches_its_normal_equations_and_conjugate_gradients_get_there_first() -> None:
    geometry = rays(WEDGE, depth=12, breadth=20)
    lines = torch.rand(len(WEDGE), 20, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    by_ray, _ = normalisation(geometry, lines)

    def gradient_size(volume: torch.Tensor) -> float:
        return float(backproject(by_ray * (lines - project(volume, geometry)), geometry).norm())

    few, many = gradient_size(Sirt(10)(lines, geometry)), gradient_size(Sirt(100)(lines, geometry))
    assert many < few / 3
    assert gradient_size(ConjugateGradients(30)(lines, geometry)) < many


def test_the_sirt_like_filter_looks_like_sirt() -> None:
    tilts = ellipse_series(WEDGE, SIZE)
    slow = sirt(tilts, DEPTH, iterations=20).data
    like, plain = correlation(wbp(tilts, DEPTH, SirtLike(20)).data, slow), correlation(wbp(tilts, DEPTH).data, slow)
    assert like > 0.95 and like > plain


def test_a_subset_of_every_tilt_is_visited_once_and_neighbours_are_apart() -> None:
    for count in (1, 2, 3, 10, 61):
        assert sorted(spread(count)) == list(range(count))
    assert np.abs(np.diff(spread(61))).min() > 10


def test_nonnegative_methods_have_no_negative_voxels() -> None:
    tilts = ellipse_series(WEDGE, SIZE)
    for found in (sirt(tilts, DEPTH, iterations=5, nonnegative=True), total_variation(tilts, DEPTH, iterations=5, nonnegative=True)):
        assert found.data.min() >= 0 and sirt(tilts, DEPTH, iterations=5).data.min() < 0


def test_nothing_lies_outside_the_cylinder_that_all_tilts_see() -> None:
    tilts, truth = ellipse_series(WEDGE, SIZE), section(SIZE, SIZE)
    found, free = (sirt(tilts, SIZE, iterations=10, cylinder=cylinder).data[:, 0] for cylinder in (True, False))
    z, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    outside = z**2 + x**2 > (SIZE / 2) ** 2
    assert (found[outside] == 0).all() and (free[outside] != 0).any()
    assert np.square(found - truth).mean() < np.square(free - truth).mean()


def test_total_variation_removes_noise_that_least_squares_fits() -> None:
    rng, tilts, truth = np.random.default_rng(0), ellipse_series(WEDGE, SIZE), section(DEPTH, SIZE)
    noisy = replace(tilts, data=(tilts.data + rng.normal(size=tilts.data.shape) * tilts.data.std() * 0.3).astype(np.float32))
    smooth = total_variation(noisy, DEPTH, weight=0.15, iterations=30).data[:, 0]
    rough = conjugate_gradients(noisy, DEPTH, iterations=12).data[:, 0]
    assert np.square(smooth - truth).mean() < 0.8 * np.square(rough - truth).mean()


def test_divergence_is_minus_the_transpose_of_the_gradient() -> None:
    volume, field = torch.rand(3, 4, 5, dtype=torch.float64), torch.rand(3, 3, 4, 5, dtype=torch.float64)
    assert torch.isclose((gradient(volume) * field).sum(), -(volume * divergence(field)).sum())


def test_denoising_agrees_with_scikit_image() -> None:
    from skimage.restoration import denoise_tv_chambolle

    rng = np.random.default_rng(1)
    noisy = np.kron(rng.random((2, 2, 2)), np.ones((4, 4, 4))) + 0.1 * rng.normal(size=(8, 8, 8))
    ours = denoised(torch.from_numpy(noisy), 0.1, torch.zeros(3, 8, 8, 8, dtype=torch.float64), 200).numpy()
    # theirs minimises ½ ‖x - noisy‖² + weight TV as well, with the same differences
    theirs = denoise_tv_chambolle(noisy, weight=0.1, eps=1e-12, max_num_iter=3000)
    assert np.abs(ours - theirs).max() < 2e-3


def test_compiled_steps_of_denoising_are_the_readable_ones() -> None:
    random = torch.Generator().manual_seed(1)
    image, noisy = torch.rand(4, 5, 6, generator=random), torch.rand(4, 5, 6, generator=random)
    ahead, dual = gradient(image) * 0.5, gradient(noisy) * 0.5
    target = torch.empty_like(noisy)
    variation_kernels.estimate(noisy.numpy(), dual.numpy(), 0.3, False, target.numpy())
    assert torch.allclose(target, noisy + 0.3 * divergence(dual), atol=1e-6)
    latest = ahead + gradient(image) / (12 * 0.01)
    latest = latest / latest.norm(dim=0).clamp(min=1)
    expected = latest + 0.4 * (latest - dual)
    variation_kernels.ascend(image.numpy(), 0.01, ahead.numpy(), dual.numpy(), 0.4)
    assert torch.allclose(dual, latest, atol=1e-6) and torch.allclose(ahead, expected, atol=1e-6)


@pytest.mark.parametrize("method", [Sirt(3), Sirt(2, subsets=5), ConjugateGradients(3)])
def test_independent_rows_do_not_depend_on_the_slabs(method: Sirt | ConjugateGradients) -> None:
    rng = np.random.default_rng(2)
    tilts = TiltSeries(rng.random((11, 7, 16), np.float32), np.linspace(-50, 50, 11), 1.0)
    assert np.allclose(reconstruct(tilts, 8, method, rows=2).data, reconstruct(tilts, 8, method).data, atol=1e-5)


def test_total_variation_in_slabs_is_close_to_the_whole() -> None:
    rng = np.random.default_rng(3)
    tilts = TiltSeries(rng.random((11, 40, 16), np.float32), np.linspace(-50, 50, 11), 1.0)
    whole, parts = (reconstruct(tilts, 8, TotalVariation(0.05, 15), rows=rows).data for rows in (40, 10))
    assert np.abs(parts - whole).max() < 0.02 * whole.std()


def test_slabs_cover_all_rows_once_and_carry_their_halo() -> None:
    pieces = slabs(10, 4, 3)
    assert [(k.start, k.stop, r.start, r.stop, i.start, i.stop) for k, r, i in pieces] == [
        (0, 4, 0, 7, 0, 4),
        (4, 8, 1, 10, 3, 7),
        (8, 10, 5, 10, 3, 5),
    ]


def test_images_whose_axis_runs_along_x_are_turned_first() -> None:
    tilts = ellipse_series(WEDGE, SIZE, rows=3, pixel=2.0)
    lying = TiltSeries(np.rot90(tilts.data, -1, axes=(1, 2)).copy(), WEDGE, 2.0, axis_angle=90.0)
    assert np.allclose(wbp(lying, DEPTH).data, wbp(tilts, DEPTH).data, atol=1e-5)


def test_the_unit_is_that_of_independent_voxels() -> None:
    rng = np.random.default_rng(4)
    voxels = rng.normal(scale=3.0, size=(50, 40, 40))
    assert value_unit(voxels.sum(0)[None], 50) == pytest.approx(3.0, rel=0.05)
    assert value_unit(np.ones((2, 3, 4)), 5) == 1.0


def test_constant_projections_stay_finite() -> None:
    flat = TiltSeries(np.zeros((3, 2, 8), np.float32), np.array([-20.0, 0.0, 20.0]), 1.0)
    for method in (Sirt(2), ConjugateGradients(3), TotalVariation(0.1, 2)):
        assert (reconstruct(flat, 4, method).data == 0).all()


def test_what_cannot_be_reconstructed_is_refused() -> None:
    tilts = ellipse_series(WEDGE, 16, pixel=2.0)
    with pytest.raises(CellmlError, match=r"17 voxels \(34 nm\) is thicker than the field of view .* 16 pixels \(32 nm\)"):
        wbp(tilts, 17)
    with pytest.raises(CellmlError, match="at least 1; got 0"):
        wbp(tilts, 0)
    broken = tilts.data.copy()
    broken[2, :, 5:7] = np.nan
    with pytest.raises(CellmlError, match=r"Projection 2 \(-54°\).* 2 columns from 5 to 6"):
        sirt(replace(tilts, data=broken), 8)
    with pytest.raises(CellmlError, match="at least 1 row"):
        wbp(tilts, 8, Hamming(), rows=0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sirt(0),
        lambda: Sirt(relaxation=2.0),
        lambda: ConjugateGradients(0),
        lambda: ConjugateGradients(damping=-1.0),
        lambda: TotalVariation(0.0),
        lambda: TotalVariation(inner=0),
    ],
)
def test_numbers_out_of_range_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(CellmlError):
        make()


def test_more_subsets_than_tilts_are_refused() -> None:
    with pytest.raises(CellmlError, match="at most one subset for each tilt"):
        sirt(ellipse_series(WEDGE, 16), 8, subsets=100)
