"""VoxResNet: a residual network of volumes that answers at four scales (Chen, Dou, Yu, Qin & Heng 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.nets.unet import Triple, plan_levels


class VoxResNet(nn.Module):
    """(B, C, Z, Y, X) image → (B, K, Z, Y, X) logits of the same size.

    In training the answer is a list, the fused logits first, then those of each scale.

    Two convolutions at full resolution, then three times a strided one and `modules` residual ones; each of the four scales answers for
    itself through a deconvolution, and the sum of the four is the answer (section 2.2 there). All five are supervised: `supervision` holds
    their weights. Pre-activated residual modules x + conv(relu(norm(conv(relu(norm(x)))))), He et al. 2016. Unlike there, strides and
    kernels follow the voxel spacing, and deconvolution and classifier, both linear, are one layer.

    widths: feature channels of the four scales; modules: residual modules a scale; spacing: (z, y, x) in nm; auxiliary: weight of each
    scale's own loss beside the fused one's 1 (0 supervises the sum alone); norm: "batch" or "none".
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 9,
        widths: Sequence[int] = (32, 64, 64, 64),
        modules: int = 2,
        spacing: Sequence[float] = (10.0, 10.0, 10.0),
        auxiliary: float = 0.25,
        norm: str = "batch",
    ) -> None:
        super().__init__()
        if norm not in ("batch", "none"):
            raise CellmlError(f"task.net.norm is {norm!r}; use 'batch' or 'none' (norms over the patch make tiles disagree).")
        if len(widths) < 2 or modules < 1 or auxiliary < 0:
            raise CellmlError(
                f"VoxResNet needs two or more widths, one or more modules and an auxiliary weight of at least 0, "
                f"got {list(widths)}, {modules} and {auxiliary}."
            )
        self.in_channels, self.out_channels, self.modules_each = in_channels, out_channels, modules
        self.strides, self.kernels = plan_levels(spacing, len(widths), 1)
        self.supervision = [1.0, *[auxiliary] * len(widths)] if auxiliary else None
        self.stem = nn.Sequential(
            _convolution(in_channels, widths[0], self.kernels[0]),
            _activated(widths[0], norm),
            _convolution(widths[0], widths[0], self.kernels[0]),
        )
        self.scales, self.heads = nn.ModuleList(), nn.ModuleList([nn.Conv3d(widths[0], out_channels, 1)])
        total: Triple = (1, 1, 1)
        for before, width, stride, kernel in zip(widths, widths[1:], self.strides[1:], self.kernels[1:], strict=False):
            total = (total[0] * stride[0], total[1] * stride[1], total[2] * stride[2])
            reach = _strided_kernel(stride, kernel)
            down = nn.Sequential(_activated(before, norm), _convolution(before, width, reach, stride))
            self.scales.append(nn.Sequential(down, *(VoxRes(width, kernel, norm) for _ in range(modules))))
            self.heads.append(nn.ConvTranspose3d(width, out_channels, total, total))

    @property
    def multiple(self) -> Triple:
        """Input sizes along (z, y, x) must be multiples of these."""
        z, y, x = (prod(stride[axis] for stride in self.strides) for axis in range(3))
        return (z, y, x)

    @property
    def halo(self) -> Triple:
        """Radius of the field of view along (z, y, x) in voxels."""
        z, y, x = (self._radius(axis) for axis in range(3))
        return (z, y, x)

    @property
    def stages(self) -> list[tuple[str, ...]]:
        """Names of the parts in the order in which an image passes them, for learning rates that decay with depth."""
        return [("stem",), *((f"scales.{level}",) for level in range(len(self.scales))), ("heads",)]

    def forward(self, image: Tensor) -> Tensor | list[Tensor]:
        """image: (B, C, Z, Y, X), of sizes that are multiples of `multiple`, else CellmlError."""
        if any(n % m for n, m in zip(image.shape[2:], self.multiple, strict=True)):
            raise CellmlError(f"The network needs patches in multiples of {self.multiple} voxels (z, y, x), got {tuple(image.shape[2:])}.")
        x = self.stem(image)
        answers = [self.heads[0](x)]
        for scale, head in zip(self.scales, list(self.heads)[1:], strict=True):
            x = scale(x)
            answers.append(head(x))
        fused = torch.stack(answers).sum(dim=0)
        return [fused, *answers] if self.training and self.supervision else fused

    def _radius(self, axis: int) -> int:
        radius, step = 2 * (self.kernels[0][axis] // 2), 1
        for stride, kernel in zip(self.strides[1:], self.kernels[1:], strict=True):
            radius += _strided_kernel(stride, kernel)[axis] // 2 * step
            step *= stride[axis]
            radius += self.modules_each * 2 * (kernel[axis] // 2) * step
        return radius + step - 1


class VoxRes(nn.Module):
    """x + conv(relu(norm(conv(relu(norm(x)))))), at constant size and width."""

    def __init__(self, width: int, kernel: Triple, norm: str) -> None:
        super().__init__()
        layers = [layer for _ in range(2) for layer in (_activated(width, norm), _convolution(width, width, kernel))]
        self.residual = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, W, Z, Y, X)."""
        return x + self.residual(x)  # type: ignore[no-any-return]


def _activated(width: int, norm: str) -> nn.Sequential:
    return nn.Sequential(*([nn.BatchNorm3d(width)] if norm == "batch" else []), nn.ReLU())


def _convolution(before: int, after: int, kernel: Triple, stride: Triple = (1, 1, 1)) -> nn.Conv3d:
    return nn.Conv3d(before, after, kernel, stride, (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2))


def _strided_kernel(stride: Triple, kernel: Triple) -> Triple:
    """A strided axis is looked at with its neighbours; one that is neither strided nor mixed is not."""
    z, y, x = (3 if s == 2 else k for s, k in zip(stride, kernel, strict=True))
    return (z, y, x)
