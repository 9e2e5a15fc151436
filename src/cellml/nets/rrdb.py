"""The residual-in-residual dense network: wide reach through many small convolutions that each see all features before them.

Wang et al. 2018 (ESRGAN, doi:10.1007/978-3-030-11021-5_5, figure 4), without normalisation and without upsampling; Ding et al. 2019
(doi:10.1038/s41598-019-49267-x) fill the missing part of sinograms with a generator of this kind.
"""

from __future__ import annotations

from typing import Any

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
    must change; fold: pixels along each axis that become channels (Shi et al. 2016, arXiv:1609.05158), so that layers work on a coarser
    grid, cost fold^dimensions less and reach fold times as far. At first nothing is answered, or the input where it is added. No layer
    looks at the whole image: `halo` is the radius of the field of view. Raises CellmlError for sizes below 1.
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        width: int = 32,
        growth: int = 16,
        blocks: int = 3,
        dimensions: int = 2,
        residual: bool = True,
        fold: int = 1,
    ) -> None:
        super().__init__()
        if dimensions not in (2, 3) or min(width, growth, blocks, in_channels, out_channels, fold) < 1:
            raise CellmlError(
                f"A residual dense network has 2 or 3 dimensions and sizes of at least 1, got dimensions={dimensions}, width={width}, "
                f"growth={growth}, blocks={blocks}, in_channels={in_channels}, out_channels={out_channels}, fold={fold}."
            )
        if residual and in_channels < out_channels:
            raise CellmlError(f"residual=true adds {out_channels} input channels to the output, but there are {in_channels}.")
        self.in_channels, self.out_channels, self.residual, self.depth, self.fold = in_channels, out_channels, residual, blocks, fold
        self.multiple, each = (fold, fold, fold), fold**dimensions
        self.first = _convolution(dimensions, in_channels * each, width)
        self.trunk = nn.Sequential(*(ResidualInResidual(width, growth, dimensions) for _ in range(blocks)))
        self.after_trunk = _convolution(dimensions, width, width)
        self.smooth, self.head = _convolution(dimensions, width, width), _convolution(dimensions, width, out_channels * each)
        nn.init.zeros_(self.head.weight)

    @property
    def halo(self) -> tuple[int, int, int]:
        """Radius of the field of view in voxels: one voxel of the coarser grid for each convolution in a row."""
        radius = self.fold * (4 + 15 * self.depth) + self.fold - 1
        return (radius, radius, radius)

    def forward(self, image: Tensor) -> Tensor:
        """image: (B, C, …) → (B, K, …); sizes that `fold` does not divide are continued by zeros."""
        x = self.first(folded(image, self.fold))
        x = x + self.after_trunk(self.trunk(x))
        x = self.head(nn.functional.leaky_relu(self.smooth(x), 0.2))
        whole: tuple[Any, ...] = (..., *(slice(n) for n in image.shape[2:]))
        x = unfolded(x, self.fold)[whole]
        return x + image[:, : self.out_channels] if self.residual else x


def folded(image: Tensor, factor: int) -> Tensor:
    """(B, C, …) → (B, C · factor^d, …/factor, rounded up): cells of `factor` pixels along each of d axes become channels."""
    if factor == 1:
        return image
    sizes = [-(-n // factor) for n in image.shape[2:]]
    beyond = [m * factor - n for m, n in zip(sizes, image.shape[2:], strict=True)]
    image = nn.functional.pad(image, [v for extra in reversed(beyond) for v in (0, extra)])
    cells = image.reshape(*image.shape[:2], *(v for m in sizes for v in (m, factor)))
    within, across = range(3, cells.ndim, 2), range(2, cells.ndim, 2)
    return cells.permute(0, 1, *within, *across).reshape(len(image), -1, *sizes)


def unfolded(image: Tensor, factor: int) -> Tensor:
    """The inverse of `folded`: (B, C · factor^d, …) → (B, C, …·factor)."""
    if factor == 1:
        return image
    sizes, axes = image.shape[2:], image.ndim - 2
    cells = image.reshape(len(image), -1, *[factor] * axes, *sizes)
    order = [axis for n in range(axes) for axis in (2 + axes + n, 2 + n)]
    return cells.permute(0, 1, *order).reshape(*cells.shape[:2], *(n * factor for n in sizes))


def _convolution(dimensions: int, inputs: int, outputs: int) -> nn.Conv2d | nn.Conv3d:
    """A 3-wide convolution whose weights are a tenth of He's, as ESRGAN starts its deep stacks; biases 0."""
    layer = (nn.Conv2d if dimensions == 2 else nn.Conv3d)(inputs, outputs, 3, padding=1)
    nn.init.kaiming_normal_(layer.weight, a=0.2)
    with torch.no_grad():
        layer.weight.mul_(0.1 if inputs == outputs else 0.5)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # it has one
    return layer
