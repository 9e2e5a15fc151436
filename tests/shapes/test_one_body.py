"""One body of a generated grid, and the surface through voxels."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.data.shape_grids import surface_of_grid
from cellml.errors import CellmlError
from cellml.shapes.one_body import distance_of_voxels, one_body, smoothed


def ball(shape: tuple[int, int, int], centre: tuple[float, float, float], radius: float) -> np.ndarray:
    axes = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    return np.sqrt(sum((a - c) ** 2 for a, c in zip(axes, centre, strict=True))) - radius


def test_specks_hollows_and_the_border_are_not_of_the_body() -> None:
    clean = ball((16, 16, 16), (8, 8, 8), 5)
    grid = np.minimum(clean, ball((16, 16, 16), (1, 1, 1), 0.9))  # a speck
    grid[8, 8, 8] = 1.0  # a hollow
    body, dropped = one_body(grid)
    assert np.array_equal(body < 0, clean < 0)
    assert dropped == pytest.approx(1 / (1 + (clean < 0).sum() - 1))
    near = np.abs(clean) < 2
    near[8, 8, 8] = False
    assert np.array_equal(body[near], clean[near])  # the surface stays
    cut, _ = one_body(ball((16, 16, 16), (8, 8, 15), 5))
    assert (cut[:, :, -1] >= 0).all()
    assert (surface_of_grid(cut, 10.0).volume()) > 0


def test_nothing_inside_is_told() -> None:
    with pytest.raises(CellmlError, match="draw another code"):
        one_body(np.ones((4, 4, 4)))
    with pytest.raises(CellmlError, match="64 of 64"):
        distance_of_voxels(np.ones((4, 4, 4), bool))


def test_the_surface_through_voxels_keeps_their_count_and_is_smooth() -> None:
    inside = ball((20, 20, 20), (9.5, 9.5, 9.5), 6.0) < 0
    signed = distance_of_voxels(inside)
    assert (signed < 0).sum() == inside.sum()
    surface = surface_of_grid(signed, 1.0)
    assert surface.volume() == pytest.approx(4 / 3 * np.pi * 6**3, rel=0.03)
    radii = np.linalg.norm(surface.vertices, axis=1)
    assert radii.std() < 0.25  # voxels alone would leave steps of 1


def test_smoothing_takes_roughness_away_and_leaves_the_volume() -> None:
    z, y, x = np.meshgrid(*(np.arange(24) - 11.5,) * 3, indexing="ij")
    ball = np.sqrt(x**2 + y**2 + z**2) - 7.3
    rough = ball + np.random.default_rng(0).normal(scale=0.5, size=ball.shape)
    smooth = smoothed(rough, 1.0)
    assert (smooth < 0).sum() == (rough < 0).sum()
    near = np.abs(ball) < 2
    assert np.abs(smooth - ball)[near].mean() < 0.4 * np.abs(rough - ball)[near].mean()
    np.testing.assert_array_equal(smoothed(np.ones((4, 4, 4)), 1.0), np.ones((4, 4, 4)))
