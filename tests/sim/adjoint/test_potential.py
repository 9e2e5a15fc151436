import numpy as np
import pytest
import torch

from cellml.sim.adjoint.potential import potential
from cellml.sim.analytic import box
from cellml.sim.errors import SimulationError

MESH = box((200.0, 100.0, 100.0), (2, 1, 1))
POINTS = torch.from_numpy(MESH.points * 1e-3)
LOW = np.flatnonzero(MESH.points[:, 0] == 0)


def test_it_solves_what_a_dense_solver_solves():
    rng = np.random.default_rng(0)
    load, values = rng.normal(size=len(POINTS)), rng.normal(size=len(LOW))
    u = potential(POINTS, MESH.tets, torch.from_numpy(load), LOW, torch.from_numpy(values)).numpy()
    K = np.zeros((len(POINTS), len(POINTS)))
    for tet in MESH.tets:  # the textbook: gradients of barycentric coordinates from the inverse of the corners' matrix
        corners = np.column_stack([np.ones(4), POINTS.numpy()[tet]])
        slopes = np.linalg.inv(corners)[1:]
        K[np.ix_(tet, tet)] += abs(np.linalg.det(corners)) / 6 * slopes.T @ slopes
    free = np.setdiff1d(np.arange(len(POINTS)), LOW)
    expected = np.zeros(len(POINTS))
    expected[LOW] = values
    expected[free] = np.linalg.solve(K[np.ix_(free, free)], (load - K @ expected)[free])
    assert u == pytest.approx(expected, rel=1e-10)


def test_every_input_has_the_gradient_that_differences_have():
    rng = np.random.default_rng(1)
    moved = (POINTS + 0.01 * torch.from_numpy(rng.normal(size=POINTS.shape))).requires_grad_()
    load, values = (torch.from_numpy(rng.normal(size=n)).requires_grad_() for n in (len(POINTS), len(LOW)))
    assert torch.autograd.gradcheck(lambda p, b, g: potential(p, MESH.tets, b, LOW, g), (moved, load, values), eps=1e-6, atol=1e-6)


def test_points_of_no_tetrahedron_have_no_potential_and_no_gradient():
    points = torch.cat([POINTS, POINTS.new_full((1, 3), 7.0)]).requires_grad_()
    u = potential(points, MESH.tets, torch.ones(len(points), dtype=torch.float64), LOW, torch.zeros(len(LOW), dtype=torch.float64))
    u.sum().backward()
    assert u[-1] == 0 and (points.grad[-1] == 0).all() and (points.grad[:-1] != 0).any()
    with pytest.raises(SimulationError, match="held"):
        potential(points, MESH.tets, torch.ones(len(points), dtype=torch.float64), np.zeros(0, int), torch.zeros(0))
    with pytest.raises(SimulationError, match="0 of 1 given points"):
        potential(points, MESH.tets, torch.ones(len(points), dtype=torch.float64), np.array([len(POINTS)]), torch.zeros(1))
