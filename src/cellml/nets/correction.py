"""A network that corrects an image instead of drawing it anew."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError


class Correction(nn.Module):
    """gain · image + net(image): what is right already, fine detail included, need not pass the network (He et al. 2016, section 3.1).

    net: (B, C, Z, Y, X) → (B, 1, Z, Y, X) with `multiple` and `halo`; channel: of the image, that is corrected; gain: to start from,
    learned with the rest. Raises CellmlError for a network of several outputs and a channel that it does not have.
    """

    def __init__(self, net: nn.Module, channel: int = 0, gain: float = 1.0) -> None:
        super().__init__()
        inputs, outputs = getattr(net, "in_channels", None), getattr(net, "out_channels", 1)
        if outputs != 1 or not 0 <= channel < (inputs if isinstance(inputs, int) else channel + 1):
            raise CellmlError(
                f"A correction is one channel to be added to channel {channel} of an image; the network has {inputs} input and {outputs} "
                "output channels. Set task.net.net.out_channels=1 and task.net.channel to one of the input's."
            )
        self.net, self.channel = net, channel
        self.in_channels, self.out_channels = inputs, 1
        self.gain = nn.Parameter(torch.tensor(float(gain)))

    @property
    def multiple(self) -> Any:
        """Input sizes along (z, y, x) must be multiples of these."""
        return self.net.multiple

    @property
    def halo(self) -> Any:
        """Radius of the field of view along (z, y, x) in voxels."""
        return self.net.halo

    def forward(self, image: Tensor) -> Tensor:
        """image: (B, C, Z, Y, X) → corrected (B, 1, Z, Y, X)."""
        return self.gain * image[:, self.channel : self.channel + 1] + self.net(image)
