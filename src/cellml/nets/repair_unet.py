"""A U-Net that says what must change in an image."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.nets.unet import UNet


class RepairUNet(UNet):
    """(B, C, Z, Y, X) → (B, K, Z, Y, X): the first K channels of the image plus what a U-Net adds to them.

    Arguments as in UNet. It begins as the identity: the last layer's weights are zero. Raises CellmlError for fewer inputs than outputs.
    """

    def __init__(self, in_channels: int = 1, out_channels: int = 1, **options: Any) -> None:
        super().__init__(in_channels, out_channels, **options)
        if in_channels < out_channels:
            raise CellmlError(f"A repair needs an input for each output; got in_channels={in_channels}, out_channels={out_channels}.")
        assert isinstance(self.head, nn.Conv3d | nn.ConvTranspose3d)
        nn.init.zeros_(self.head.weight)
        if self.head.bias is not None:
            nn.init.zeros_(self.head.bias)

    def forward(self, image: Tensor) -> Tensor:
        """image: (B, C, Z, Y, X) → (B, K, Z, Y, X) in float32 or more: a sum of bfloat16 numbers would round the image away."""
        return image[:, : self.out_channels] + super().forward(image).to(image.dtype)
