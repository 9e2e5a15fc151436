"""The U-Net of cellml as a source of feature maps at several resolutions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cellml.nets.unet import Triple, UNet


class ImageFeatures(nn.Module):
    """(B, C, Z, Y, X) → one feature map a level, coarsest first, each after its decoder.

    in_channels, widths, spacing, stem_stride, norm: as `UNet`, without its last layer; channels: of all maps together. Every map covers the
    volume from outer face to outer face, so that `vert_align(…, align_corners=False)` reads it in the right place.
    """

    def __init__(
        self,
        in_channels: int = 1,
        widths: Sequence[int] = (16, 32, 64),
        spacing: Sequence[float] = (10.0, 10.0, 10.0),
        stem_stride: int = 2,
        norm: str = "batch",
    ) -> None:
        super().__init__()
        self.unet = UNet(in_channels, 1, widths, spacing, stem_stride, norm=norm)
        self.unet.head = nn.Identity()
        self.in_channels, self.channels = in_channels, sum(widths)

    @property
    def multiple(self) -> Triple:
        """Input sizes along (z, y, x) must be multiples of these."""
        return self.unet.multiple

    def forward(self, image: Tensor) -> list[Tensor]:
        """image: (B, C, Z, Y, X), sizes multiples of `multiple` → maps (B, width, z, y, x)."""
        net, skips = self.unet, []
        x = net.stem(image)
        for level, encode in enumerate(net.encoder):
            x = encode(x)
            if level < len(net.down):
                skips.append(x)
                x = net.down[level](x)
        maps = [x]
        for level in reversed(range(len(net.decoder))):
            x = net.decoder[level](net.up[level](x) + skips[level])
            maps.append(x)
        return maps


def box_coordinates(points: Tensor, shape: Sequence[float]) -> Tensor:
    """Points (…, 3), columns (x, y, z) in half edges of the shortest side about the box's centre → −1 … 1 from outer face to outer face.

    shape: relative lengths of the box along (z, y, x), in any unit.
    """
    sides = torch.as_tensor(list(reversed(list(shape))), dtype=points.dtype, device=points.device)
    return points * (sides.min() / sides)
