from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from cellml.nets.unet import UNet
from cellml.plan.cost import training_cost

BUILD = partial(UNet, out_channels=2, widths=(4, 8), stem_stride=1)


def test_counting_on_the_meta_device_is_counting_of_a_real_step() -> None:
    """The slow twin: the tensors that autograd really keeps, and the operations that torch really does."""
    from torch.utils.flop_counter import FlopCounterMode

    net, sizes = BUILD().train(), {}

    def keep(tensor: Tensor) -> Tensor:
        sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    counter = FlopCounterMode(display=False)
    with counter, torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        answer = net(torch.randn(2, 1, 8, 16, 16))
    weights = {p.untyped_storage().data_ptr() for p in net.parameters()}
    kept = sum(size for key, size in sizes.items() if key not in weights)
    cost = training_cost(BUILD, 1, (8, 16, 16), 2)
    parameters = sum(p.numel() for p in net.parameters())
    assert cost.parameters == parameters and cost.operations == 3 * counter.get_total_flops()
    assert cost.memory_gb * 1e9 == pytest.approx(1.3 * kept + 40 * answer.numel() + 16 * parameters, rel=0.02)


def test_costs_grow_with_batch_and_patch() -> None:
    one, two, large = (training_cost(BUILD, 1, patch, batch) for patch, batch in (((8, 16, 16), 1), ((8, 16, 16), 2), ((16, 16, 16), 1)))
    assert two.operations == 2 * one.operations == large.operations and two.memory_gb > 1.8 * one.memory_gb
    for scaled, counted in ((one.scaled(2), two), (large.scaled(0.5), one)):
        assert scaled.operations == counted.operations and scaled.memory_gb == pytest.approx(counted.memory_gb, rel=1e-2)
    assert one.seconds(gflops=1.0) == pytest.approx(one.operations / 0.4e9)
