"""Gaussian, median and bilateral filters against closed forms and slow twins."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.imaging.repairs.smoothing import Bilateral, Gaussian, Median

SPACING = (20.0, 10.0, 10.0)


def noise(shape: tuple[int, ...] = (6, 14, 15), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("repair", [Gaussian(15.0), Median(20.0), Bilateral(15.0)])
def test_flat_stays_flat_and_no_grey_value_leaves_the_range(repair: Any) -> None:
    flat = np.full((5, 8, 8), 7.0, np.float32)
    np.testing.assert_allclose(repair(flat, SPACING), flat, rtol=1e-6)
    done = repair(noise(), SPACING)
    assert done.dtype == np.float32 and done.min() >= noise().min() and done.max() <= noise().max() and done.std() < 0.9 * noise().std()


@pytest.mark.parametrize("repair", [Gaussian(0.0), Median(0.0), Bilateral(0.0)])
def test_size_zero_changes_nothing(repair: Any) -> None:
    assert np.array_equal(repair(noise(), SPACING), noise())


def test_a_gaussian_damps_a_wave_by_its_transform_whatever_the_spacing() -> None:
    for axis, n in ((0, 40), (1, 80)):
        wave = np.cos(np.pi * 6 * (np.arange(n) + 0.5) / n)
        image = np.broadcast_to(wave.reshape([n if a == axis else 1 for a in range(3)]), [n if a == axis else 3 for a in range(3)]).astype(
            np.float32
        )
        frequency = 6 / (2 * n * SPACING[axis])
        np.testing.assert_allclose(Gaussian(30.0)(image, SPACING), np.exp(-2 * (np.pi * 30.0 * frequency) ** 2) * image, atol=2e-3)


def test_the_median_takes_an_ellipsoid_in_nanometres() -> None:
    image, done = noise(), Median(20.0)(noise(), SPACING)
    near = [
        o
        for o in product((-1, 0, 1), (-2, -1, 0, 1, 2), (-2, -1, 0, 1, 2))
        if sum((a * s) ** 2 for a, s in zip(o, SPACING, strict=True)) <= 400
    ]
    assert len(near) == 15
    for z, y, x in ((2, 5, 5), (3, 8, 10)):
        assert done[z, y, x] == np.median([image[z + a, y + b, x + c] for a, b, c in near])


def test_the_bilateral_filter_is_its_formula() -> None:
    image, repair = noise((4, 6, 7)), Bilateral(12.0, 0.7)
    slow, padded = np.empty_like(image), np.pad(image, ((1, 1), (2, 2), (2, 2)), mode="symmetric")
    for v in np.ndindex(image.shape):
        window = padded[v[0] : v[0] + 3, v[1] : v[1] + 5, v[2] : v[2] + 5]
        z, y, x = np.meshgrid(*(np.arange(-n, n + 1) * s for n, s in zip((1, 2, 2), SPACING, strict=True)), indexing="ij")
        weight = np.exp(-(z**2 + y**2 + x**2) / (2 * 12**2) - (window - image[v]) ** 2 / (2 * (0.7 * image.std()) ** 2))
        slow[v] = (weight * window).sum() / weight.sum()
    np.testing.assert_allclose(repair(image, SPACING), slow, atol=2e-6)


def test_the_bilateral_filter_keeps_a_step_that_a_gaussian_blurs() -> None:
    step = noise((4, 20, 20)) * 0.2
    step[:, :, 10:] += 5
    bilateral, gaussian = Bilateral(15.0, 0.3)(step, SPACING), Gaussian(15.0)(step, SPACING)
    rise = [float(d[:, :, 10].mean() - d[:, :, 9].mean()) for d in (bilateral, gaussian)]
    assert rise[0] > 4.8 and rise[1] < 1.6
    assert bilateral[:, :, :8].std() < 0.5 * step[:, :, :8].std()


@pytest.mark.parametrize(
    "make", [lambda: Gaussian(-1), lambda: Median(-1), lambda: Bilateral(1, 0), lambda: Median(200.0)(noise(), SPACING)]
)
def test_sizes_that_mean_nothing_are_refused(make: Any) -> None:
    with pytest.raises(CellmlError):
        make()


@pytest.mark.parametrize("repair", [Gaussian(15.0), Median(20.0), Bilateral(15.0)])
def test_nan_is_refused(repair: Any) -> None:
    with pytest.raises(CellmlError, match="NaN"):
        repair(np.full((4, 4, 4), np.nan), SPACING)
