import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.meshhead.floor import moved_above_floor
from cellml.meshhead.flow import Flow, steepness
from cellml.meshhead.grid import background_grid, determinants

GRID = background_grid((0, 0, 0), (3, 3, 3), 1.0)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.floats(0.01, 1e6), steps=st.integers(1, 4))
def test_no_velocity_turns_a_tetrahedron_over(seed, size, steps):
    speed = size * torch.tensor(np.random.default_rng(seed).normal(size=GRID.points.shape))
    flow = Flow(most_steps=steps, floor=0.2)
    points = flow(GRID, lambda _: speed)
    assert float((determinants(points, GRID.tets) / determinants(GRID.points, GRID.tets)).min()) >= 0.2 * (1 - 1e-9)
    assert (points[GRID.walls] == GRID.points[GRID.walls]).all()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.floats(0.1, 1e3))
def test_a_step_below_the_lipschitz_bound_needs_no_backtracking(seed, size):
    speed = GRID.free(size * torch.tensor(np.random.default_rng(seed).normal(size=GRID.points.shape)))
    moved = GRID.points + 0.5 / steepness(GRID.points, GRID.tets, speed) * speed
    shares = determinants(moved, GRID.tets) / determinants(GRID.points, GRID.tets)
    assert float(shares.min()) >= 0.5**3


def test_a_rotation_field_is_followed_as_the_exponential_of_its_matrix():
    grid = background_grid((-2, -2, -2), (2, 2, 2), 1.0)
    turn = 0.3 * torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
    points = Flow(stretch=0.02, most_steps=32)(grid, lambda x: x @ turn.T * torch.exp(-((x / 1.5) ** 8).sum(1, keepdim=True)))
    core = grid.points.norm(dim=1) < 0.9
    exact = grid.points @ torch.linalg.matrix_exp(turn).T
    assert float((points - exact)[core].norm(dim=1).max()) < 0.01


def test_gradient_flows_to_the_velocity():
    speed = torch.zeros_like(GRID.points).requires_grad_()
    Flow()(GRID, lambda _: speed).sum().backward()
    assert torch.equal(speed.grad, torch.where(GRID.walls, 0.0, 1.0).double())


def test_a_displacement_that_collapses_a_vertex_is_halved_there_only():
    centre = int(((GRID.points - 1.5).norm(dim=1)).argmin())
    move = torch.zeros_like(GRID.points)
    move[centre, 0] = 0.9
    points = moved_above_floor(GRID.points, GRID.tets, move, 0.2 * determinants(GRID.points, GRID.tets))
    assert float(points[centre, 0] - GRID.points[centre, 0]) == pytest.approx(0.45)
    assert int((points != GRID.points).any(1).sum()) == 1


def test_bad_displacements_are_refused():
    with pytest.raises(CellmlError, match="1 of .* displacements"):
        moved_above_floor(GRID.points, GRID.tets, torch.full_like(GRID.points, 0.0).index_fill(0, torch.tensor([0]), torch.nan),
                          torch.zeros(len(GRID.tets)))  # fmt: skip
    with pytest.raises(CellmlError, match="0 < stretch < 1"):
        Flow(stretch=1.0)
