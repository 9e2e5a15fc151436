"""The mean over halves."""

from __future__ import annotations

import torch
from torch import nn

from cellml.nets.halves import MeanOverHalves
from cellml.nets.unet import UNet


def test_halves_are_answered_one_by_one_and_averaged() -> None:
    net = MeanOverHalves(nn.Conv3d(1, 1, 3, padding=1))
    halves = torch.randn(2, 2, 6, 6, 6)
    apart = [half + net.net(half) for half in (halves[:, :1], halves[:, 1:])]
    assert torch.allclose(net(halves), (apart[0] + apart[1]) / 2) and torch.allclose(net(halves[:, :1]), apart[0])


def test_it_has_its_networks_field_of_view_and_grid() -> None:
    inner = UNet(1, 1, (2, 4), stem_stride=2)
    assert (MeanOverHalves(inner).halo, MeanOverHalves(inner).multiple) == (inner.halo, inner.multiple)
