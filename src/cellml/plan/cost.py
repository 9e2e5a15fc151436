"""What a training step of a network costs, counted without computing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

# The optimiser's two moments, the weights and their gradients, in float32.
_BYTES_PER_PARAMETER = 16
# Workspaces of convolutions and gradients of activations on their way back, on top of the activations that are kept.
_OVERHEAD = 1.3
# Copies of the output that losses make in float32: logits, probabilities, targets, masks, weights and their products.
_LOSS_COPIES = 10
# Share of a 32-channel convolution's speed that a whole step reaches: 0.48 with widths of 32 to 128, less with slimmer or flat layers.
_EFFICIENCY = 0.4


@dataclass(frozen=True)
class Cost:
    """memory_gb: at the peak of a training step; operations: of a step, forward and backward; parameters: of the network."""

    memory_gb: float
    operations: float
    parameters: int

    def scaled(self, factor: float) -> Cost:
        """The cost of `factor` times as many voxels: everything grows with them but the weights."""
        weights = _BYTES_PER_PARAMETER * self.parameters / 1e9
        return Cost(weights + factor * (self.memory_gb - weights), factor * self.operations, self.parameters)

    def seconds(self, gflops: float) -> float:
        """Of a step at a measured speed."""
        return self.operations / (_EFFICIENCY * gflops * 1e9)


def training_cost(build: Any, channels: int, patch: Sequence[int], batch: int) -> Cost:
    """Count the tensors that a forward pass keeps for the backward pass, and its operations, on torch's meta device.

    build(): makes the network; channels, patch (z, y, x), batch: of its input. Nothing is allocated or computed.
    """
    from torch.utils.flop_counter import FlopCounterMode

    kept: dict[int, tuple[int, Tensor]] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage._cdata] = (storage.nbytes(), tensor)  # the tensor is held, so that its address is not used again
        return tensor

    with torch.device("meta"):
        net: nn.Module = build().train()
        image = torch.empty((batch, channels, *patch))
    counter = FlopCounterMode(display=False)
    with counter, torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        answer = net(image)
    parameters = sum(p.numel() for p in net.parameters())
    weights = {p.untyped_storage()._cdata for p in net.parameters()}
    activations = sum(size for key, (size, _) in kept.items() if key not in weights)
    total = _OVERHEAD * activations + _LOSS_COPIES * 4 * answer.numel() + _BYTES_PER_PARAMETER * parameters
    return Cost(total / 1e9, 3.0 * counter.get_total_flops(), parameters)
