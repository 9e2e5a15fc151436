from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from cellml.meshops.closest import closest_weights, squared_distance

TRIANGLE = torch.tensor([[0.0, 0, 0], [4, 0, 0], [0, 3, 0]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ([1.0, 1, 2], 4),  # above the face
        ([-3.0, -4, 0], 25),  # beyond a corner
        ([2.0, -1, 1], 2),  # beside a side
        ([4.0, 3, 0], (12 / 5) ** 2),  # beyond the hypotenuse
        ([6.0, -1, 0], 5),
        ([0.0, 5, 0], 4),
        ([1.0, 1, 0], 0),
    ],
)
def test_each_region_around_a_triangle(point, expected):
    assert float(squared_distance(torch.tensor([point], dtype=torch.float64), TRIANGLE[None])) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("point", "expected"), [([2.0, 3, 0], 9), ([-3.0, 4, 0], 25), ([5.0, 0, 1], 2)])
def test_each_region_around_a_segment(point, expected):
    assert float(squared_distance(torch.tensor([point], dtype=torch.float64), TRIANGLE[None, :2])) == pytest.approx(expected)


@given(st.integers(0, 2**31), st.sampled_from([2, 3]))
@settings(max_examples=25, deadline=None)
def test_agrees_with_a_numerical_minimum(seed, corners):
    rng = torch.Generator().manual_seed(seed)
    point, simplex = torch.randn(1, 3, generator=rng, dtype=torch.float64), torch.randn(1, corners, 3, generator=rng, dtype=torch.float64)
    p, s = point[0].numpy(), simplex[0].numpy()
    only = {"type": "eq", "fun": lambda w: w.sum() - 1}
    found = minimize(lambda w: ((w @ s - p) ** 2).sum(), [1 / corners] * corners, bounds=[(0, 1)] * corners, constraints=only, tol=1e-12)
    assert float(squared_distance(point, simplex)) == pytest.approx(found.fun, rel=1e-4, abs=1e-7)
    weights = closest_weights(point, simplex)
    assert float(weights.min()) >= 0 and float(weights.sum()) == pytest.approx(1)


@pytest.mark.parametrize("corners", [2, 3])
def test_gradients_are_those_of_differences(corners):
    rng = torch.Generator().manual_seed(corners)
    points = torch.randn(20, 3, generator=rng, dtype=torch.float64, requires_grad=True)
    simplices = torch.randn(20, corners, 3, generator=rng, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(squared_distance, (points, simplices))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("flat", [[[0.0, 0, 0]] * 3, [[0.0, 0, 0], [1, 1, 1], [2, 2, 2]], [[0.0, 0, 0], [2, 2, 2], [0, 0, 0]]])
def test_triangles_without_area_are_their_sides(flat, dtype):
    simplex = torch.tensor([flat], dtype=dtype, requires_grad=True)
    point = torch.tensor([[3.0, 3, 4]], dtype=dtype)
    ends = [torch.tensor([flat[0], flat[i]], dtype=dtype)[None] for i in (1, 2)]
    expected = min(float(squared_distance(point, end)) for end in ends)
    value = squared_distance(point, simplex)
    assert float(value.detach()) == pytest.approx(expected)
    value.backward()
    assert torch.isfinite(simplex.grad).all()


def test_single_precision_at_ten_thousand_nanometres():
    """A face of 3 × 4 nm, a point 2 nm above it, both at 10⁴ nm."""
    far = 1e4
    value = squared_distance((torch.tensor([[1.0, 1, 2]]) + far), (TRIANGLE[None] + far).float())
    assert float(value) == pytest.approx(4, rel=1e-6)


def test_near_a_side_the_interior_is_not_mistaken_for_it():
    """Distances to the face and to its side agree in float32 there, weights (and gradients) do not."""
    point, plane = torch.tensor([[1.0, 1e-4, 2.0]]), TRIANGLE[None].float()
    exact = closest_weights(point.double(), TRIANGLE[None])
    assert float(exact[0, 2]) == pytest.approx(1e-4 / 3, rel=1e-6)
    assert torch.allclose(closest_weights(point, plane).double(), exact, atol=1e-7)
