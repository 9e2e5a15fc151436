"""A 3D U-Net that knows about anisotropic voxels and about its own field of view.

Built from MONAI's convolution blocks (Çiçek et al. 2016, residual units as in Lee et al. 2017). It differs from
`monai.networks.nets.UNet` in three points that matter for electron microscopy: strides and kernels follow the voxel spacing, a strided
stem lets the heavy layers run on coarser voxels while the output keeps the input's resolution, and no layer looks at the whole patch (no
instance or group norm), so that tiled prediction equals whole-volume prediction.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from monai.networks.blocks import Convolution, ResidualUnit
from torch import Tensor, nn

from cellml.errors import CellmlError

Triple = tuple[int, int, int]


class UNet(nn.Module):
    """(B, C, Z, Y, X) image → (B, K, Z, Y, X) logits of the same size.

    in_channels, out_channels: C and K; widths: feature channels of each level, finest first; spacing: (z, y, x) voxel size in nm, of which
    only the ratios matter; stem_stride: the finest level works on voxels coarser by this factor (1 or 2); fine_channels: channels of one
    full-resolution layer that sees features and image together before the output (0 leaves it out); norm: "batch" or "none";
    dropout: share of whole feature channels dropped after each convolution (Tompson et al. 2015), which inference can keep on
    (Monte-Carlo dropout); 0 leaves the layers out.
    Input sizes must be multiples of `multiple`; `halo` is the radius of the field of view in voxels.
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 9,
        widths: Sequence[int] = (32, 64, 128),
        spacing: Sequence[float] = (10.0, 10.0, 10.0),
        stem_stride: int = 2,
        fine_channels: int = 0,
        norm: str = "batch",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if norm not in ("batch", "none"):
            raise CellmlError(f"task.net.norm is {norm!r}; use 'batch' or 'none' (norms over the patch make tiles disagree).")
        if len(widths) < 2 or stem_stride not in (1, 2):
            raise CellmlError(f"A U-Net needs at least two widths and a stem stride of 1 or 2, got {list(widths)} and {stem_stride}.")
        if not 0 <= dropout < 1:
            raise CellmlError(f"task.net.dropout is {dropout}; it is a share of channels, at least 0 and below 1.")
        self.strides, self.kernels = plan_levels(spacing, len(widths), stem_stride)
        self.in_channels, self.out_channels = in_channels, out_channels
        common: dict[str, Any] = {"spatial_dims": 3, "norm": "BATCH" if norm == "batch" else None, "act": ("LEAKYRELU", {"inplace": True})}
        if dropout:
            common |= {"dropout": dropout, "dropout_dim": 3}
        self.stem = Convolution(
            spatial_dims=3,
            in_channels=in_channels,
            out_channels=widths[0],
            kernel_size=_stem_kernel(self.strides[0]),
            strides=self.strides[0],
            padding=1,
            conv_only=True,
        )
        self.encoder, self.down = nn.ModuleList(), nn.ModuleList()
        self.decoder, self.up = nn.ModuleList(), nn.ModuleList()
        for level, width in enumerate(widths):
            self.encoder.append(ResidualUnit(in_channels=width, out_channels=width, subunits=2, kernel_size=self.kernels[level], **common))
            if level + 1 == len(widths):
                break
            stride, wider = self.strides[level + 1], widths[level + 1]
            self.down.append(nn.Conv3d(width, wider, stride, stride))
            self.up.append(nn.ConvTranspose3d(wider, width, stride, stride))
            self.decoder.append(ResidualUnit(in_channels=width, out_channels=width, subunits=2, kernel_size=self.kernels[level], **common))
        self.fine_channels = fine_channels
        if fine_channels:
            self.to_fine = nn.ConvTranspose3d(widths[0], fine_channels, self.strides[0], self.strides[0])
            self.fine = Convolution(in_channels=fine_channels + in_channels, out_channels=fine_channels, kernel_size=3, **common)
            self.head: nn.Module = nn.Conv3d(fine_channels, out_channels, 1)
        else:
            self.head = nn.ConvTranspose3d(widths[0], out_channels, self.strides[0], self.strides[0])

    @property
    def multiple(self) -> Triple:
        """Input sizes along (z, y, x) must be multiples of these."""
        z, y, x = (prod(stride[axis] for stride in self.strides) for axis in range(3))
        return (z, y, x)

    @property
    def halo(self) -> Triple:
        """Radius of the field of view along (z, y, x) in voxels: beyond it, no input voxel can change an output voxel."""
        return tuple(_field_radius([s[axis] for s in self.strides], [k[axis] for k in self.kernels], bool(self.fine_channels))
                     for axis in range(3))  # type: ignore[return-value]  # fmt: skip

    @property
    def stages(self) -> list[tuple[str, ...]]:
        """Names of the parts in the order in which an image passes them, for learning rates that decay with depth."""
        depth = len(self.encoder)
        inwards = [(f"encoder.{level}", f"down.{level - 1}") if level else ("encoder.0",) for level in range(depth)]
        outwards = [(f"up.{level}", f"decoder.{level}") for level in reversed(range(depth - 1))]
        return [("stem",), *inwards, *outwards, *([("to_fine", "fine")] if self.fine_channels else []), ("head",)]

    def forward(self, image: Tensor) -> Tensor:
        """image: (B, C, Z, Y, X) → logits (B, K, Z, Y, X). Raises CellmlError where a size is not a multiple of `multiple`."""
        if any(n % m for n, m in zip(image.shape[2:], self.multiple, strict=True)):
            raise CellmlError(f"The network needs patches in multiples of {self.multiple} voxels (z, y, x), got {tuple(image.shape[2:])}.")
        x, skips = self.stem(image), []
        for level, encode in enumerate(self.encoder):
            x = encode(x)
            if level < len(self.down):
                skips.append(x)
                x = self.down[level](x)
        for level in reversed(range(len(self.decoder))):
            x = self.decoder[level](self.up[level](x) + skips[level])
        if self.fine_channels:
            x = self.fine(torch.cat([self.to_fine(x), image], dim=1))
        return self.head(x)  # type: ignore[no-any-return]


def plan_levels(spacing: Sequence[float], levels: int, stem_stride: int) -> tuple[list[Triple], list[Triple]]:
    """Strides (the first is the stem's) and kernels of each level from the voxel spacing (z, y, x).

    An axis is strided only while it is finer than twice the finest axis, and gets a kernel of 1 while it is coarser than twice the
    finest one, so that voxels become isotropic on the way down (Isensee et al. 2021, section "Network topology").
    """
    current = [float(s) for s in spacing]
    if len(current) != 3 or min(current) <= 0:
        raise CellmlError(f"task.net.spacing must be three positive numbers (z, y, x), got {list(spacing)}.")
    strides, kernels = [], []
    for level in range(levels):
        factor = stem_stride if level == 0 else 2
        stride = [factor if s < 2 * min(current) else 1 for s in current]
        current = [s * f for s, f in zip(current, stride, strict=True)]
        strides.append((stride[0], stride[1], stride[2]))
        kernel = [1 if s >= 2 * min(current) else 3 for s in current]
        kernels.append((kernel[0], kernel[1], kernel[2]))
    return strides, kernels


def _stem_kernel(stride: Triple) -> Triple:
    return tuple(4 if s == 2 else 3 for s in stride)  # type: ignore[return-value]


def _field_radius(strides: list[int], kernels: list[int], fine: bool) -> int:
    """Radius along one axis: stem, two convolutions a unit, once down and once up; blocked strides add up to a block's width."""
    radius, step = 1 + (strides[0] == 2), strides[0]
    for level, kernel in enumerate(kernels):
        units = 1 if level + 1 == len(kernels) else 2
        radius += units * 2 * (kernel // 2) * step
        if level + 1 < len(kernels):
            radius += (strides[level + 1] - 1) * step
            step *= strides[level + 1]
    return radius + int(fine)
