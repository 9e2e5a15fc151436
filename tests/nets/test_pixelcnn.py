"""Exact likelihood: probabilities of all volumes sum to 1, each voxel sees all that came before and nothing after, samples follow them."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch.nn import functional

from cellml.errors import CellmlError
from cellml.nets.pixelcnn import PixelCnn


def shaken(shape: tuple[int, int, int], conditions: int = 1, dilations: tuple[int, ...] = (1, 2), scale: float = 1.5) -> PixelCnn:
    """A network whose weights are large, so that voxels depend on each other strongly."""
    torch.manual_seed(0)
    net = PixelCnn(shape, conditions, width=6, dilations=dilations)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(scale)
    return net


def log_probability(net: PixelCnn, volumes: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
    bits = functional.binary_cross_entropy_with_logits(net(volumes, conditions), volumes, reduction="none")
    return -bits.flatten(1).sum(dim=1)


@pytest.mark.parametrize("shape", [(2, 2, 2), (3, 2, 2), (1, 3, 3)])
def test_probabilities_of_all_volumes_sum_to_one(shape: tuple[int, int, int]) -> None:
    net = shaken(shape).double()
    count = shape[0] * shape[1] * shape[2]
    volumes = torch.tensor(list(product([0.0, 1.0], repeat=count)), dtype=torch.float64).reshape(-1, 1, *shape)
    chances = log_probability(net, volumes, torch.full((len(volumes), 1), 0.3, dtype=torch.float64)).exp()
    assert len(chances) == 2**count
    assert chances.sum().item() == pytest.approx(1.0, abs=1e-12)
    assert chances.max() > 3 * chances.median()  # a network that says the same of all would pass otherwise


def test_each_voxel_sees_all_before_it_and_none_after() -> None:
    shape = (4, 4, 4)
    net = shaken(shape)
    volume = torch.rand(1, 1, *shape).requires_grad_(True)
    logits = net(volume, torch.zeros(1, 1)).flatten()
    for place in range(64):
        (slope,) = torch.autograd.grad(logits[place], volume, retain_graph=True)
        seen = slope.flatten() != 0
        assert seen[:place].all(), f"voxel {place} is blind to {torch.nonzero(~seen[:place]).flatten().tolist()}"
        assert not seen[place:].any()


def test_samples_are_drawn_from_the_probabilities_of_the_whole_pass() -> None:
    """Each voxel's draw is compared with the chance that the whole network gives it."""
    net = shaken((3, 4, 5), conditions=2).eval()
    given, draws = torch.randn(6, 2), torch.rand(6, 3, 4, 5)
    volumes = net.sample(given, draws)
    with torch.no_grad():
        chances = torch.sigmoid(net(volumes, given))[:, 0]
    assert torch.equal(volumes[:, 0], (draws < chances).float())
    assert 0.05 < volumes.mean() < 0.95


def test_frequencies_of_samples_are_their_probabilities() -> None:
    net = shaken((1, 2, 2)).eval()
    given = torch.zeros(4000, 1)
    volumes = net.sample(given, torch.rand(4000, 1, 2, 2, generator=torch.Generator().manual_seed(1)))
    every = torch.tensor(list(product([0.0, 1.0], repeat=4))).reshape(-1, 1, 1, 2, 2)
    with torch.no_grad():
        chances = log_probability(net, every, torch.zeros(16, 1)).exp()
    numbers = (volumes.flatten(1) * torch.tensor([8, 4, 2, 1])).sum(dim=1).long()
    found = torch.bincount(numbers, minlength=16) / 4000
    assert (found - chances).abs().max() < 0.03


def test_a_condition_changes_the_probabilities() -> None:
    net, volume = shaken((2, 2, 2)), torch.ones(1, 1, 2, 2, 2)
    assert not torch.allclose(net(volume, torch.zeros(1, 1)), net(volume, torch.ones(1, 1)))


def test_it_learns_the_entropy_of_a_source() -> None:
    """Volumes of one value throughout, either as likely: one bit for the whole, so 1/8 bit a voxel, where independent voxels cost 1."""
    torch.manual_seed(0)
    net = PixelCnn((2, 2, 2), 1, width=8, dilations=(1,))
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-2)
    volumes = torch.tensor([0.0, 1.0]).repeat(8).reshape(-1, 1, 1, 1, 1).expand(-1, 1, 2, 2, 2)
    for _ in range(150):
        optimizer.zero_grad()
        loss = functional.binary_cross_entropy_with_logits(net(volumes, torch.zeros(16, 1)), volumes) / torch.log(torch.tensor(2.0))
        loss.backward()
        optimizer.step()
    assert loss.item() == pytest.approx(1 / 8, abs=0.01)


def test_what_is_no_network_is_told() -> None:
    with pytest.raises(CellmlError, match="three axes"):
        PixelCnn((4, 4), 1)
    with pytest.raises(CellmlError, match="dilations"):
        PixelCnn((4, 4, 4), 1, dilations=())
