"""The visible neural network: its structure is a declared hierarchy, so that each of its parts has a name.

    O_t = BatchNorm(tanh(W_t I_t + b_t)),    I_t: states of the parts of t and its descriptors        (Ma et al. 2018, eq. 1)
    y_t = V_t O_t + c_t                      what t alone can tell of the outputs                     (their auxiliary linear layers)

All subsystems of one level are computed together: one matrix, whose entries between strangers are zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.interpret.hierarchy import Hierarchy
from cellml.interpret.hierarchy_files import read_hierarchy


class VisibleNet(nn.Module):
    """Descriptors (B, P) → outputs (B, K), through the named subsystems of a hierarchy.

    hierarchy: a file or mapping of `read_hierarchy`; outputs: K; neurons: d of each subsystem; logarithm: descriptors are taken by their
    logarithm; dropout: share of a part's states that is left out at random as it enters a whole (Kuenzi et al. 2020). Descriptors and
    outputs are standardised by `start`. Raises CellmlError for fewer than one output or neuron.
    """

    middle: Tensor
    spread: Tensor
    output_middle: Tensor
    output_spread: Tensor

    def __init__(
        self,
        hierarchy: str | Mapping[str, Any] | Hierarchy,
        outputs: int = 1,
        neurons: int = 6,
        logarithm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if outputs < 1 or neurons < 1 or not 0 <= dropout < 1:
            raise CellmlError(
                f"A visible network needs an output, a neuron a subsystem and a dropout in [0, 1), got {outputs}, {neurons} and {dropout}."
            )
        self.hierarchy = hierarchy if isinstance(hierarchy, Hierarchy) else read_hierarchy(hierarchy)
        self.outputs, self.neurons, self.logarithm, self.in_channels = outputs, neurons, logarithm, len(self.hierarchy.descriptors)
        masks = level_masks(self.hierarchy, neurons)
        self.layers = nn.ModuleList(MaskedLinear(mask) for mask in masks)
        self.norms = nn.ModuleList(nn.BatchNorm1d(len(mask)) for mask in masks)
        self.dropout = nn.Dropout(dropout)
        count = len(self.hierarchy.order)
        self.told_weight = nn.Parameter(torch.empty(count, neurons, outputs).uniform_(-(neurons**-0.5), neurons**-0.5))
        self.told_bias = nn.Parameter(torch.zeros(count, outputs))
        for name, length in (("middle", self.in_channels), ("output_middle", outputs)):
            self.register_buffer(name, torch.zeros(length))
        for name, length in (("spread", self.in_channels), ("output_spread", outputs)):
            self.register_buffer(name, torch.ones(length))

    def require_values(self, descriptors: NDArray[np.floating], source: str) -> None:
        """Raise CellmlError, with row and name, for descriptors (N, P) of which the network needs a logarithm that they do not have."""
        if self.logarithm and not (descriptors > 0).all():
            row, column = np.argwhere(~(descriptors > 0))[0]
            name = self.hierarchy.descriptors[column]
            raise CellmlError(
                f"{source}: row {row + 1}: {name} is {descriptors[row, column]:g}, and the network takes the logarithm of descriptors; "
                "leave the row out, or train with task.net.logarithm=false."
            )

    @torch.no_grad()
    def start(self, descriptors: Tensor, outputs: Tensor) -> None:
        """Standardise by training rows. descriptors: (N, P), outputs: (N, K). Raises CellmlError for a constant column."""
        for name, values, names in (("", self._scaled(descriptors), self.hierarchy.descriptors), ("output_", outputs, ())):
            spread = values.std(dim=0)
            flat = [n for n, s in enumerate(spread.tolist()) if not s > 1e-9]
            if flat:
                which = names[flat[0]] if names else f"output {flat[0] + 1}"
                raise CellmlError(
                    f"{which!r} is the same in all {len(values)} training rows; nothing can be learned from it. Leave it out."
                )
            getattr(self, f"{name}middle").copy_(values.mean(dim=0))
            getattr(self, f"{name}spread").copy_(spread)

    def standardised(self, descriptors: Tensor) -> Tensor:
        """(B, P) as the network takes them."""
        return (self._scaled(descriptors) - self.middle) / self.spread

    def _scaled(self, descriptors: Tensor) -> Tensor:
        return descriptors.log() if self.logarithm else descriptors

    def states(self, standardised: Tensor, replaced: Mapping[str, Tensor] | None = None) -> Tensor:
        """States O of all subsystems in the order of `hierarchy.order`, (B, S, d), from standardised descriptors (B, P).

        replaced: by name of a subsystem, states (B, d) that take the place of its own, for asking what it is worth.
        """
        known, d = standardised, self.neurons
        for names, layer, norm in zip(self.hierarchy.levels, self.layers, self.norms, strict=True):
            entering = torch.cat([standardised, self.dropout(known[:, self.in_channels :])], dim=1)
            state = norm(torch.tanh(layer(entering)))
            for n, name in enumerate(names):
                if replaced is not None and name in replaced:
                    state = torch.cat([state[:, : n * d], replaced[name], state[:, (n + 1) * d :]], dim=1)
            known = torch.cat([known, state], dim=1)
        return known[:, self.in_channels :].reshape(len(standardised), -1, d)

    def told(self, states: Tensor) -> Tensor:
        """Standardised outputs as each subsystem alone tells them, (B, S, K), from states (B, S, d); the root's are the answer."""
        return torch.einsum("bsd,sdk->bsk", states, self.told_weight) + self.told_bias

    def forward(self, descriptors: Tensor) -> Tensor:
        """(B, P) → (B, K), in the units of the table."""
        answer = self.told(self.states(self.standardised(descriptors)))[:, -1]
        return answer * self.output_spread + self.output_middle


class MaskedLinear(nn.Module):
    """y = (M ∘ W) x + b with a fixed mask M (outputs, inputs) of zeros and ones; W begins as uniform in ± fan-in^−½ of its row."""

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask, persistent=False)
        bound = mask.sum(dim=1, keepdim=True).rsqrt()
        self.weight = nn.Parameter((2 * torch.rand(mask.shape) - 1) * bound * mask)
        self.bias = nn.Parameter((2 * torch.rand(len(mask)) - 1) * bound[:, 0])

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) → (B, outputs)."""
        return nn.functional.linear(x, self.weight * self.mask, self.bias)


def level_masks(hierarchy: Hierarchy, neurons: int) -> list[Tensor]:
    """For each level a mask (d · subsystems of the level, P + d · subsystems below) of which inputs its neurons see."""
    start = {name: n for n, name in enumerate(hierarchy.descriptors)}
    width, masks = len(start), []
    sizes = dict.fromkeys(start, 1)
    for names in hierarchy.levels:
        mask = torch.zeros(len(names) * neurons, width)
        for n, name in enumerate(names):
            for part in hierarchy.children[name]:
                mask[n * neurons : (n + 1) * neurons, start[part] : start[part] + sizes[part]] = 1.0
        masks.append(mask)
        start |= {name: width + n * neurons for n, name in enumerate(names)}
        sizes |= dict.fromkeys(names, neurons)
        width += len(mask)
    return masks
