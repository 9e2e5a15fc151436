from __future__ import annotations

import pytest
import torch

from cellml.errors import CellmlError
from cellml.nets.correction import Correction
from cellml.nets.unet import UNet


def test_a_network_that_answers_nothing_leaves_the_image_at_its_gain() -> None:
    net = UNet(in_channels=2, out_channels=1, widths=(4, 8))
    torch.nn.init.zeros_(net.head.weight)
    torch.nn.init.zeros_(net.head.bias)
    corrected = Correction(net, channel=1, gain=0.5)
    image = torch.randn(1, 2, 8, 8, 8)
    torch.testing.assert_close(corrected(image), 0.5 * image[:, 1:])
    assert corrected.multiple == net.multiple and corrected.halo == net.halo


def test_the_gain_is_learned() -> None:
    corrected = Correction(UNet(in_channels=1, out_channels=1, widths=(4, 8)))
    image = torch.randn(1, 1, 8, 8, 8)
    (corrected(image) - 0.8 * image).square().mean().backward()
    assert corrected.gain.grad is not None and float(corrected.gain.grad) != 0


def test_several_outputs_and_unknown_channels_are_refused() -> None:
    with pytest.raises(CellmlError, match="one channel"):
        Correction(UNet(in_channels=1, out_channels=3, widths=(4, 8)))
    with pytest.raises(CellmlError, match="channel 1"):
        Correction(UNet(in_channels=1, out_channels=1, widths=(4, 8)), channel=1)
