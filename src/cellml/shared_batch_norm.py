"""Batch norms over the batches of several processes, on processors, where torch's own (`torch.nn.SyncBatchNorm`) asks for GPUs.

Each process trains on a part of every batch. With the moments of its own part it would compute another network than one process with
the whole batch does: mean and variance are therefore sums over all processes (Ioffe & Szegedy 2015, algorithm 1, over the whole batch).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from pytorch_lightning.plugins.layer_sync import LayerSync
from torch import Tensor
from torch.nn import Module
from torch.nn.modules.batchnorm import _BatchNorm


class ProcessorSyncBatchNorm(LayerSync):
    """Lightning's way to have batch norms compute together while a training lasts; names and values in checkpoints stay the same."""

    def apply(self, model: Module) -> Module:
        """Let every batch norm that trains take its moments over all processes."""
        for layer in batch_norms(model):
            layer.forward = partial(normalised_together, layer)  # type: ignore[method-assign]
        return model

    def revert(self, model: Module) -> Module:
        """Give the layers back as they were."""
        for layer in batch_norms(model):
            layer.__dict__.pop("forward", None)
        return model


def batch_norms(model: Module) -> list[_BatchNorm]:
    """The batch norms of a network, itself included."""
    return [layer for layer in model.modules() if isinstance(layer, _BatchNorm)]


def normalised_together(layer: _BatchNorm, image: Tensor) -> Tensor:
    """Normalise an image by the moments of all processes' images, γ (x − μ) / √(σ² + ε) + β, and note them in the running averages.

    image: (B, C, …), the part of this process; computed in float32 at least, returned in its number format. Layers in evaluation, whose
    moments are the running averages, work alone.
    """
    import torch.distributed as dist

    if not layer.training or not dist.is_initialized() or dist.get_world_size() == 1:
        return type(layer).forward(layer, image)
    axes, shape = [0, *range(2, image.ndim)], [1, -1, *[1] * (image.ndim - 2)]
    values = image.to(torch.promote_types(image.dtype, torch.float32))
    count = _sum(torch.tensor(float(values.numel() // values.shape[1])))
    mean = _Summed.apply(values.sum(axes)) / count
    centred = values - mean.reshape(shape)
    variance = _Summed.apply(centred.square().sum(axes)) / count
    _note(layer, mean.detach(), variance.detach() * count / (count - 1).clamp(min=1))
    result = centred * torch.rsqrt(variance + layer.eps).reshape(shape)
    if layer.weight is not None:
        result = result * layer.weight.reshape(shape) + layer.bias.reshape(shape)
    return result.to(image.dtype)


class _Summed(torch.autograd.Function):
    """The sum over all processes. Every process's loss depends on it, so its gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:  # type: ignore[override]
        return _sum(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        return _sum(gradient)


def _sum(values: Tensor) -> Tensor:
    import torch.distributed as dist

    total = values.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(total)
    return total


@torch.no_grad()
def _note(layer: _BatchNorm, mean: Tensor, variance: Tensor) -> None:
    """Move the running averages, as torch does: by `momentum`, or to the plain average of all batches where it is None."""
    if layer.running_mean is None or layer.running_var is None or layer.num_batches_tracked is None:
        return
    layer.num_batches_tracked += 1
    share = 1 / float(layer.num_batches_tracked) if layer.momentum is None else layer.momentum
    layer.running_mean.lerp_(mean, share)
    layer.running_var.lerp_(variance, share)
