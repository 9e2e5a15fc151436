"""The weight average: forgets its start, follows constant weights, and copies buffers."""

from __future__ import annotations

import pytest
import torch

from cellml.nets.average import WeightAverage


def test_the_average_follows_its_recursion() -> None:
    net = torch.nn.Linear(1, 1, bias=False)
    net.weight.data.fill_(0.0)
    average, expected = WeightAverage(net, decay=0.5), 0.0
    for count, value in enumerate([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]):
        net.weight.data.fill_(value)
        average.update(net)
        keep = min(0.5, (1 + count) / (10 + count))
        expected = keep * expected + (1 - keep) * value
        assert average.net.weight.item() == pytest.approx(expected, rel=1e-6)
    assert int(average.updates) == 10


def test_it_never_trains_and_copies_buffers() -> None:
    net = torch.nn.Sequential(torch.nn.BatchNorm1d(2))
    average = WeightAverage(net).train()
    assert not average.net.training and not any(p.requires_grad for p in average.parameters())
    net(torch.randn(8, 2) + 5)
    average.update(net)
    assert torch.equal(average.net[0].running_mean, net[0].running_mean)
