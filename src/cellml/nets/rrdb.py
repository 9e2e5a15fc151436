"""The residual-in-residual dense network: wide reach through many small convolutions that each see all features before them.

Wang et al. 2018 (ESRGAN, doi:10.1007/978-3-030-11021-5_5, figure 4), without normalisation and without upsampling; Ding et al. 2019
(doi:10.1038/s41598-019-49267-x) fill the missing part of sinograms with a generator of this kind.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError

_RESIDUAL_SCALE = 0.2  # ESRGAN's: residuals are weighed down, so that deep stacks begin near the identity


class DenseBlock(nn.Module):
    """Five convolutions, each fed with the block's input and all outputs before it; (B, F, …) → the same shape, residual."""

    def __init__(self, width: int, growth: int, dimensions: int) -> None:
        super().__init__()
        grown = [width + step * growth for step in range(5)]
        self.layers = nn.ModuleList(_convolution(dimensions, n, growth if n != grown[-1] else width) for n in grown)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, F, …) → x + 0.2 · what the convolutions add."""
        seen = [x]
        for layer in self.layers[:-1]:
            seen.append(nn.functional.leaky_relu(layer(torch.cat(seen, dim=1)), 0.2))
        return x + _RESIDUAL_SCALE * self.layers[-1](torch.cat(seen, dim=1))  # type: ignore[no-any-return]


class ResidualInResidual(nn.Module):
    """Three dense blocks within one more residual."""

    def __init__(self, width: int, growth: int, dimensions: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(DenseBlock(width, growth, dimensions) for _ in range(3)))

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, F, …) → x + 0.2 · blocks(x)."""
        return x + _RESIDUAL_SCALE * self.blocks(x)  # type: ignore[no-any-return]


class ResidualDenseNet(nn.Module):
    """(B, C, H, W) → (B, K, H, W) with dimensions=2, (B, C, Z, Y, X) → (B, K, Z, Y, X) with 3; any size.

    in_channels, out_channels: C and K; width: features between the blocks; growth: features that each convolution of a block adds; blocks:
    residual-in-residual blocks; residual: whether the first K input channels are added to the output, so that the network says only what
    must change. No layer looks at the whole image: `halo` is the radius of the field of view. Raises CellmlError for sizes below 1.
    """

    multiple = (1, 1, 1)

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        width: int = 32,
        growth: int = 16,
        blocks: int = 3,
        dimensions: int = 2,
        residual: bool = True,
    ) -> None:
        super().__init__()
        if dimensions not in (2, 3) or min(width, growth, blocks, in_channels, out_channels) < 1:
            raise CellmlError(
                f"A residual dense network has 2 or 3 dimensions and sizes of at least 1, got dimensions={dimensions}, width={width}, "
                f"growth={growth}, blocks={blocks}, in_channels={in_channels}, out_channels={out_channels}."
            )
        if residual and in_channels < out_channels:
            raise CellmlError(f"residual=true adds {out_channels} input channels to the output, but there are {in_channels}.")
        self.in_channels, self.out_channels, self.residual, self.depth = in_channels, out_channels, residual, blocks
        self.first = _convolution(dimensions, in_channels, width)
        self.trunk = nn.Sequential(*(ResidualInResidual(width, growth, dimensions) for _ in range(blocks)))
        self.after_trunk = _convolution(dimensions, width, width)
        self.smooth, self.head = _convolution(dimensions, width, width), _convolution(dimensions, width, out_channels)
        if residual:
            nn.init.zeros_(self.head.weight)

    @property
    def halo(self) -> tuple[int, int, int]:
        """Radius of the field of view in voxels: one for each convolution in a row."""
        radius = 4 + 15 * self.depth
        return (radius, radius, radius)

    def forward(self, image: Tensor) -> Tensor:
        """image: (B, C, …) → (B, K, …)."""
        x = self.first(image)
        x = x + self.after_trunk(self.trunk(x))
        x = self.head(nn.functional.leaky_relu(self.smooth(x), 0.2))
        return x + image[:, : self.out_channels] if self.residual else x


def _convolution(dimensions: int, inputs: int, outputs: int) -> nn.Conv2d | nn.Conv3d:
    """A 3-wide convolution whose weights are a tenth of He's, as ESRGAN starts its deep stacks; biases 0."""
    layer = (nn.Conv2d if dimensions == 2 else nn.Conv3d)(inputs, outputs, 3, padding=1)
    nn.init.kaiming_normal_(layer.weight, a=0.2)
    with torch.no_grad():
        layer.weight.mul_(0.1 if inputs == outputs else 0.5)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # it has one
    return layer
