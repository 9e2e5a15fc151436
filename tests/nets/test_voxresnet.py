from __future__ import annotations

import pytest
import torch

from cellml.errors import CellmlError
from cellml.nets.field_of_view import measure_halo
from cellml.nets.voxresnet import VoxRes, VoxResNet


@pytest.mark.parametrize(
    "configuration",
    [
        {"spacing": (45, 4.6, 4.6)},
        {"spacing": (20, 10, 10), "widths": (1, 1)},
        {"modules": 1, "widths": (1, 1, 1)},
        {"norm": "none", "widths": (1, 1)},
    ],
    ids=str,
)
def test_halo_is_exactly_the_field_of_view(configuration: dict) -> None:
    net = VoxResNet(**{"widths": (1, 1, 1, 1), "out_channels": 1, **configuration})
    assert measure_halo(net, multiple=net.multiple) == net.halo


def test_in_training_every_scale_answers_and_their_sum_is_the_answer() -> None:
    net = VoxResNet(widths=(2, 2, 2, 2), out_channels=3)
    fused, *scales = net.train()(torch.rand(1, 1, 16, 16, 16))
    assert len(scales) == 4 and all(one.shape == (1, 3, 16, 16, 16) for one in scales)
    torch.testing.assert_close(fused, sum(scales))
    assert net.supervision == [1, 0.25, 0.25, 0.25, 0.25]
    assert isinstance(net.eval()(torch.rand(1, 1, 8, 8, 8)), torch.Tensor)
    assert isinstance(VoxResNet(widths=(2, 2), auxiliary=0).train()(torch.rand(1, 1, 8, 8, 8)), torch.Tensor)


def test_a_module_that_has_learned_nothing_is_the_identity() -> None:
    module = VoxRes(3, (3, 3, 3), "none")
    torch.nn.init.zeros_(module.residual[-1].weight)
    torch.nn.init.zeros_(module.residual[-1].bias)
    x = torch.rand(1, 3, 4, 4, 4)
    assert torch.equal(module(x), x)


@pytest.mark.parametrize("wrong", [{"norm": "instance"}, {"widths": (4,)}, {"modules": 0}, {"auxiliary": -1}])
def test_configurations_that_cannot_work_are_refused(wrong: dict) -> None:
    with pytest.raises(CellmlError, match="tiles disagree|needs two or more widths"):
        VoxResNet(**wrong)
