from __future__ import annotations

import numpy as np
import pytest

from cellml.report.rasterise import rasterise
from cellml.report.shading import FINER, ink, shade

SIDE = 120
# Two big triangles of a square that faces the eye, and a small square in front of it.
SQUARE = np.array([[[10.0, 10, 0], [10, 110, 0], [110, 110, 0]], [[10, 10, 0], [110, 110, 0], [110, 10, 0]]])
FRONT = np.array([[[30.0, 40, 50], [30, 60, 50], [50, 60, 50]], [[30, 40, 50], [50, 60, 50], [50, 40, 50]]])
COLOURS = np.array([[0.2, 0.4, 0.8], [0.9, 0.1, 0.3]])


def test_colours_are_kept_where_nothing_shades_them() -> None:
    raster = rasterise(SQUARE, SIDE, SIDE)
    picture = shade(raster, SQUARE, COLOURS, np.zeros((SIDE, SIDE), np.float32), relief=0.0)
    assert picture.shape == (SIDE // FINER, SIDE // FINER, 4)
    np.testing.assert_allclose(picture[45, 15], [*COLOURS[0], 1.0], atol=1e-6)
    np.testing.assert_allclose(picture[15, 45], [*COLOURS[1], 1.0], atol=1e-6)
    assert picture[1, 1, 3] == 0.0


def test_rims_of_the_picture_are_smooth_and_of_their_own_colour() -> None:
    shifted = SQUARE + np.array([1.0, 0.0, 0.0])
    picture = shade(rasterise(shifted, SIDE, SIDE), shifted, COLOURS[[0, 0]], np.zeros((SIDE, SIDE), np.float32), relief=0.0)
    column = 5  # pixels 10 and 11 of the raster, of which the square covers the second
    assert picture[30, column, 3] == pytest.approx(0.5)
    np.testing.assert_allclose(picture[30, column, :3], COLOURS[0], atol=1e-6)


def test_edges_are_drawn_along_the_diagonal_and_nowhere_inside() -> None:
    lines = ink(rasterise(SQUARE, SIDE, SIDE), SQUARE)
    assert lines[60, 60] > 0.5
    assert lines[40, 80] == 0.0
    assert lines[80, 40] == 0.0
    assert (lines[rasterise(SQUARE, SIDE, SIDE).triangle < 0] == 0).all()


def test_edges_of_tiny_elements_fade() -> None:
    places = np.stack(np.meshgrid(np.arange(20), np.arange(20), [0]), axis=-1).reshape(-1, 1, 1, 3)

    def darkest(side: float) -> float:
        tiles = ((SQUARE[None] - [10.0, 10.0, 0.0]) / 100.0 * side + places * side + [10.0, 10.0, 0.0]).reshape(-1, 3, 3)
        return float(ink(rasterise(tiles, SIDE, SIDE), tiles)[20:40, 20:40].max())

    assert darkest(2.5) < 0.05
    assert darkest(12.0) > 0.4


def test_what_stands_in_front_has_a_rim() -> None:
    both = np.concatenate([SQUARE, FRONT])
    raster = rasterise(both, SIDE, SIDE)
    lines = ink(raster, both)
    assert lines[50, 30] == pytest.approx(0.9)
    assert raster.triangle[50, 30] >= 2


def test_relief_darkens_what_turns_away_and_what_lies_behind() -> None:
    tilted = SQUARE.copy()
    tilted[..., 2] = -3.0 * (tilted[..., 0] - 10.0)  # falls away to the right: turned from the lamp at the upper left
    none = np.zeros((SIDE, SIDE), np.float32)
    facing = shade(rasterise(SQUARE, SIDE, SIDE), SQUARE, COLOURS, none, relief=1.0)
    away = shade(rasterise(tilted, SIDE, SIDE), tilted, COLOURS, none, relief=1.0)
    assert away[45, 15, 2] < 0.8 * facing[45, 15, 2]
    both = np.concatenate([SQUARE, FRONT + np.array([0, 0, 100.0])])
    hidden = shade(rasterise(both, SIDE, SIDE), both, COLOURS[[0, 0, 1, 1]], none, relief=1.0)
    assert hidden[34, 20, 2] < 0.98 * hidden[50, 50, 2]
