"""The residual dense network: shapes, field of view, and that it begins at its input."""

from __future__ import annotations

import pytest
import torch

from cellml.errors import CellmlError
from cellml.nets.rrdb import ResidualDenseNet


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
