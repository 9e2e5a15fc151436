from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.report.rasterise import barycentric_planes, rasterise


def _rasterise_slowly(corners: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixel by pixel, triangle by triangle."""
    triangle, depth = np.full((height, width), -1), np.full((height, width), -np.inf)
    for row in range(height):
        for column in range(width):
            for number, (a, b, c) in enumerate(corners):
                twice = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
                if twice >= 0:
                    continue
                x, y = column + 0.5, row + 0.5
                second = ((x - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (y - a[1])) / twice
                third = ((b[0] - a[0]) * (y - a[1]) - (x - a[0]) * (b[1] - a[1])) / twice
                weights = np.array([1 - second - third, second, third])
                here = weights @ [a[2], b[2], c[2]]
                if weights.min() >= 0 and here > depth[row, column]:
                    triangle[row, column], depth[row, column] = number, here
    return triangle, depth


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.sampled_from([2.0, 9.0, 60.0]))
def test_the_same_as_pixel_by_pixel(seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(-6, 26, (12, 1, 3)) + rng.uniform(-size, size, (12, 3, 3))
    found = rasterise(corners, 18, 21)
    triangle, depth = _rasterise_slowly(corners, 18, 21)
    # A pixel whose centre lies on an edge to within rounding may go to either side.
    same = found.triangle == triangle
    assert same.mean() > 0.995
    np.testing.assert_allclose(found.depth[same], depth[same], rtol=1e-3, atol=1e-3)


def test_three_that_overlap_in_a_circle() -> None:
    """No order of drawing them one after the other is right: each lies over the next."""
    angle = 2 * np.pi / 3 * np.arange(3)
    spoke = np.array([[30.0, 4.0, 12.0], [-20.0, 8.0, -12.0], [-20.0, -8.0, -12.0]])
    corners = np.empty((3, 3, 3))
    for n, a in enumerate(angle):
        turned = spoke[:, :2] @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
        shift = 9.0 * np.array([np.cos(a + np.pi / 2), np.sin(a + np.pi / 2)])
        corners[n] = np.column_stack([turned + shift + 40.0, spoke[:, 2]])
    (ax, ay), (bx, by), (cx, cy) = (corners[:, i, :2].T for i in range(3))
    turned_away = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay) > 0
    corners[turned_away] = corners[turned_away][:, [0, 2, 1]]
    slow, _ = _rasterise_slowly(corners, 80, 80)
    lies_over = {(n, (n + 1) % 3): [_shown(slow, corners, n, (n + 1) % 3)] for n in range(3)}
    assert {first for shown in lies_over.values() for first in shown} in ({0}, {1})
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        found = rasterise(corners[order], 80, 80).triangle
        assert (np.append(order, -1)[found] == slow).mean() > 0.998


def _shown(triangle: np.ndarray, corners: np.ndarray, first: int, second: int) -> int:
    """0 or 1: which of two triangles is seen where they overlap."""
    alone = [_rasterise_slowly(corners[[n]], *triangle.shape)[0] == 0 for n in (first, second)]
    both = triangle[alone[0] & alone[1]]
    counts = [(both == n).sum() for n in (first, second)]
    assert max(counts) > 10 > min(counts)
    return int(np.argmax(counts))


def test_area_and_outside() -> None:
    corners = np.array([[[10.0, 10.0, 5.0], [10.0, 50.0, 5.0], [50.0, 10.0, 5.0]]])
    found = rasterise(corners, 60, 60)
    assert (found.triangle == 0).sum() == pytest.approx(800, rel=0.03)
    assert (found.depth[found.triangle == 0] == 5.0).all()
    assert (found.depth[found.triangle < 0] == -np.inf).all()
    assert (rasterise(corners[:, ::-1], 60, 60).triangle < 0).all()
    assert (rasterise(corners + np.array([500.0, 0, 0]), 60, 60).triangle < 0).all()
    assert (rasterise(np.array([[[1.0, 1, 0], [5, 5, 0], [9, 9, 0]]]), 12, 12).triangle < 0).all()


def test_barycentric_coordinates_are_one_at_their_corner() -> None:
    corners = np.random.default_rng(0).uniform(0, 100, (20, 3, 3))
    planes = barycentric_planes(corners)
    values = planes[:, None, :, 0] + np.einsum("nik,nck->nci", planes[:, :, 1:], corners[:, :, :2])
    np.testing.assert_allclose(values, np.broadcast_to(np.eye(3), values.shape), atol=1e-8)
