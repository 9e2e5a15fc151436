"""How far a network looks, measured: for networks whose authors do not say it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from cellml.errors import CellmlError

Triple = tuple[int, int, int]

# Voxels: across the axis that is looked along, room for a pooling's window; along it, room for a dilated kernel's.
_NARROW, _SHORTEST = 4, 65


def measure_halo(net: nn.Module, *, multiple: Sequence[int] = (1, 1, 1), in_channels: int = 1, longest: int = 4096) -> Triple:
    """Radius of the field of view along (z, y, x) in voxels: beyond it, no input voxel can change an output voxel.

    net: (B, C, Z, Y, X) → (B, K, Z, Y, X), looked at through gradients of a copy whose weights are all positive and whose activations are
    linear, so that no influence can cancel; multiple: what sizes must be multiples of; longest: where to give up. Raises CellmlError for a
    network that looks at the whole patch, as instance and group norms do.
    """
    probe = _linear_twin(net)
    z, y, x = (_radius(probe, axis, [int(m) for m in multiple], in_channels, longest) for axis in range(3))
    return (z, y, x)


def _linear_twin(net: nn.Module) -> nn.Module:
    """A copy with weights that add up to about 1 a layer, linear activations, and means instead of maxima."""
    twin = copy.deepcopy(net).double().eval()
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.fill_(1.0 if parameter.ndim < 2 else 1.0 / parameter[0].numel())
    for module in list(twin.modules()):
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is not None and module.running_var is not None:
            module.running_mean.zero_()
            module.running_var.fill_(1.0)
        if isinstance(module, nn.LeakyReLU):
            module.negative_slope = 1.0
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool2d | nn.MaxPool3d):
                kind: Any = nn.AvgPool2d if isinstance(child, nn.MaxPool2d) else nn.AvgPool3d
                setattr(module, name, kind(child.kernel_size, child.stride, child.padding, count_include_pad=False))
    return twin


def _radius(probe: nn.Module, axis: int, multiple: list[int], channels: int, longest: int) -> int:
    """Along one axis: each output of a stride's period looks differently far. The image grows until growing changes nothing."""
    step = multiple[axis]
    size = [m * -(-_NARROW // m) for m in multiple]
    periods, before = max(3, -(-_SHORTEST // step) | 1), -1
    while periods * step <= longest:
        size[axis] = periods * step
        radius, whole = _seen(probe, axis, size, step, channels)
        if not whole and radius == before:
            return radius
        periods, before = 2 * periods + 1, radius
    raise CellmlError(
        f"{type(probe).__name__} sees the whole patch along {'zyx'[axis]} (more than {longest // 4} voxels to each side), so that tiled "
        "prediction could not equal that of the whole volume; use batch norm instead of instance or group norm."
    )


def _seen(probe: nn.Module, axis: int, size: list[int], step: int, channels: int) -> tuple[int, bool]:
    """The farthest input that the outputs of the middle period see, and whether it lies at the end of the image."""
    image = torch.rand((1, channels, *size), dtype=torch.float64, requires_grad=True)
    answer, middle = probe(image), size[axis] // step // 2 * step
    radius, whole = 0, False
    for place in range(middle, middle + step):
        (gradient,) = torch.autograd.grad(answer.select(2 + axis, place).sum(), image, retain_graph=True)
        touched = gradient[0].abs().amax(dim=[0, *(a + 1 for a in range(3) if a != axis)]).nonzero()[:, 0]
        first, last = int(touched.min()), int(touched.max())
        whole |= first == 0 or last == size[axis] - 1
        radius = max(radius, place - first, last - place)
    return radius, whole
