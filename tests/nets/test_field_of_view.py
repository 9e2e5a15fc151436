from __future__ import annotations

import pytest
import torch
from torch import nn

from cellml.errors import CellmlError
from cellml.nets.field_of_view import measure_halo
from cellml.nets.unet import UNet


def test_it_agrees_with_changing_one_voxel_after_the_other() -> None:
    """The slow twin: along x, with random weights, through which no influence of a voxel cancels exactly."""
    torch.manual_seed(0)
    net = UNet(out_channels=1, widths=(1, 1), spacing=(20, 10, 10), stem_stride=1, norm="none").double().eval()
    for module in net.modules():
        if isinstance(module, nn.LeakyReLU):
            module.negative_slope = 1.0  # so that no unit is silent
    length = 48
    image = torch.zeros(1, 1, 1, 2, length, dtype=torch.float64)
    with torch.no_grad():
        before, radius = net(image), 0
        for x in range(length):
            changed = image.clone()
            changed[..., x] = 1
            moved = (net(changed) != before).flatten(0, 3).any(dim=0).nonzero()[:, 0]
            radius = max(radius, int((moved - x).abs().max()))
    assert measure_halo(net, multiple=net.multiple)[2] == radius < length // 2


@pytest.mark.parametrize(("kernel", "dilation", "radius"), [(1, 1, 0), (3, 1, 1), (5, 2, 4), (3, 20, 20)])
def test_one_convolution_looks_half_its_width(kernel: int, dilation: int, radius: int) -> None:
    net = nn.Conv3d(2, 3, (kernel, 1, 3), padding=(dilation * (kernel // 2), 0, dilation), dilation=dilation)
    assert measure_halo(net, in_channels=2) == (radius, 0, dilation)


def test_trained_batch_norms_and_maxima_hide_nothing() -> None:
    net = nn.Sequential(nn.BatchNorm3d(1), nn.MaxPool3d(3, 1, 1), nn.LeakyReLU(0.0))
    net[0].running_var.fill_(1e12)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    assert measure_halo(net) == (1, 1, 1)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


@pytest.mark.parametrize("norm", [nn.InstanceNorm3d(1), nn.GroupNorm(1, 1)])
def test_a_norm_over_the_patch_is_found_out(norm: nn.Module) -> None:
    with pytest.raises(CellmlError, match="sees the whole patch along z .* use batch norm"):
        measure_halo(nn.Sequential(norm), longest=300)
