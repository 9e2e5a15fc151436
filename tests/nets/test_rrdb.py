"""The residual dense network: shapes, field of view, and that it begins at its input."""

from __future__ import annotations

import pytest
import torch

from cellml.errors import CellmlError
from cellml.nets.rrdb import ResidualDenseNet, folded, unfolded


@pytest.mark.parametrize(("dimensions", "size"), [(2, (9, 14)), (3, (5, 6, 7))])
def test_it_begins_as_the_identity_and_keeps_any_size(dimensions: int, size: tuple[int, ...]) -> None:
    net, image = ResidualDenseNet(2, 1, 4, 2, 1, dimensions), torch.randn(2, 2, *size)
    assert torch.allclose(net(image), image[:, :1])
    net.head.weight.data.normal_()
    assert net(image).shape == (2, 1, *size) and not torch.allclose(net(image), image[:, :1])


def test_its_field_of_view_is_as_it_says() -> None:
    net = ResidualDenseNet(1, 1, 3, 2, 1, 2, residual=False).double()
    for parameter in net.parameters():
        parameter.data.abs_().add_(0.1)  # so that no path cancels another
    image = torch.zeros(1, 1, 1, 61, dtype=torch.float64, requires_grad=True)
    net(image)[0, 0, 0, 30].backward()
    assert image.grad is not None
    reached = image.grad[0, 0, 0].nonzero().flatten()
    assert (int(reached[0]), int(reached[-1])) == (30 - net.halo[0], 30 + net.halo[0])


def test_numbers_that_mean_nothing_are_refused() -> None:
    with pytest.raises(CellmlError, match="dimensions=4"):
        ResidualDenseNet(dimensions=4)
    with pytest.raises(CellmlError, match="residual=true adds 2"):
        ResidualDenseNet(1, 2)


@pytest.mark.parametrize("size", [(5, 7), (4, 6, 8)])
def test_folding_loses_nothing(size: tuple[int, ...]) -> None:
    image = torch.randn(2, 3, *size)
    coarse = folded(image, 2)
    assert coarse.shape == (2, 3 * 2 ** len(size), *((n + 1) // 2 for n in size))
    assert torch.equal(unfolded(coarse, 2)[(..., *(slice(n) for n in size))], image)
    if len(size) == 2:
        assert torch.equal(folded(image[..., :4, :6], 2), torch.nn.functional.pixel_unshuffle(image[..., :4, :6], 2))


def test_a_folded_network_reaches_twice_as_far() -> None:
    net = ResidualDenseNet(1, 1, 3, 2, 1, 2, residual=False, fold=2).double()
    for parameter in net.parameters():
        parameter.data.abs_().add_(0.1)
    image = torch.zeros(1, 1, 2, 101, dtype=torch.float64, requires_grad=True)
    net(image)[0, 0, 0, 50].backward()
    assert image.grad is not None
    reached = image.grad[0, 0].sum(0).nonzero().flatten()
    assert (int(reached[0]), int(reached[-1])) == (50 - 2 * 19, 50 + net.halo[2])
