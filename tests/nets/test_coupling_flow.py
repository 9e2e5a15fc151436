"""Densities of codes: exact by the change of variables, normalised, and learnable."""

from __future__ import annotations

import math

import pytest
import torch

from cellml.errors import CellmlError
from cellml.nets.coupling_flow import CouplingFlow, StandardNormal


def shaken(size: int = 3, conditions: int = 0, seed: int = 0) -> CouplingFlow:
    torch.manual_seed(seed)
    flow = CouplingFlow(size, layers=3, hidden=(16,), conditions=conditions)
    for parameter in flow.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    flow.standardise(torch.randn(50, size) * 2 + 1)
    return flow


def test_it_begins_as_the_standard_normal() -> None:
    codes, none = torch.randn(7, 4), torch.zeros(7, 0)
    expected = torch.distributions.MultivariateNormal(torch.zeros(4), torch.eye(4)).log_prob(codes)
    for prior in (CouplingFlow(4), StandardNormal()):
        torch.testing.assert_close(prior.log_prob(codes, none), expected)


def test_sampling_undoes_the_map() -> None:
    flow, noise, given = shaken(5, conditions=2), torch.randn(9, 5), torch.randn(9, 2)
    torch.testing.assert_close(flow.noise(flow.sample(noise, given), given)[0], noise, atol=1e-4, rtol=1e-4)


def test_the_density_is_that_of_the_jacobian() -> None:
    flow, code, none = shaken().double(), torch.randn(1, 3).double(), torch.zeros(1, 0).double()
    jacobian = torch.autograd.functional.jacobian(lambda z: flow.noise(z, none)[0], code)[0, :, 0]
    torch.testing.assert_close(flow.noise(code, none)[1][0], torch.linalg.slogdet(jacobian)[1])


def test_the_density_integrates_to_one() -> None:
    flow = shaken(2)
    axis = torch.linspace(-25, 25, 801)
    grid = torch.cartesian_prod(axis, axis)
    total = flow.log_prob(grid, torch.zeros(len(grid), 0)).exp().sum() * (axis[1] - axis[0]) ** 2
    assert float(total.detach()) == pytest.approx(1, abs=0.01)


def test_it_learns_what_a_normal_cannot_say() -> None:
    torch.manual_seed(0)
    angle = torch.rand(600) * math.pi
    codes = torch.stack([angle.cos(), angle.sin()], dim=1) + 0.05 * torch.randn(600, 2)
    flow, none = CouplingFlow(2, layers=4, hidden=(32,)), torch.zeros(600, 0)
    flow.standardise(codes)
    before = float(flow.log_prob(codes, none).mean())
    optimizer = torch.optim.Adam(flow.parameters(), 5e-3)
    for _ in range(200):
        optimizer.zero_grad()
        (-flow.log_prob(codes, none).mean()).backward()
        optimizer.step()
    assert float(flow.log_prob(codes, none).mean()) > before + 0.7


def test_a_flow_needs_two_numbers() -> None:
    with pytest.raises(CellmlError, match="2 numbers or more"):
        CouplingFlow(1)
