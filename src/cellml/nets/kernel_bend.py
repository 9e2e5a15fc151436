"""A function of codes as a sum of bumps about the codes of the training shapes: the mean of a Gaussian process, found by one solution.

g(z) = Σ_j α_j k(z, z_j), k(z, z') = exp(−‖z − z'‖² / (2 K w²)), (K + a 1) α = targets (Rasmussen and Williams 2006, eq. 2.25; as the
decoder of a latent variable model, Lawrence 2005). From a few hundred shapes it learns more than a perceptron does.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError


class KernelBend(nn.Module):
    """Codes and conditions (B, K) → numbers (B, outputs), 0 until it is solved.

    centres: most codes that carry a bump (so many, evenly taken, where there are more shapes); width: w, in deviations of a code's number;
    ridge: a, the variance of the noise over that of the function. Raises CellmlError for numbers that are none of these.
    """

    centres: Tensor
    weights: Tensor

    def __init__(self, centres: int = 320, width: float = 0.7, ridge: float = 0.5) -> None:
        super().__init__()
        if centres < 2 or width <= 0 or ridge <= 0:
            raise CellmlError(f"A kernel needs 2 centres, a width and a ridge above 0; got {centres}, {width} and {ridge}.")
        self.count, self.width, self.ridge = centres, width, ridge

    def build(self, inputs: int, outputs: int) -> KernelBend:
        """Make room for codes of `inputs` numbers."""
        self.register_buffer("centres", torch.zeros(self.count, inputs))
        self.register_buffer("weights", torch.zeros(self.count, outputs))
        return self

    @torch.no_grad()
    def solve(self, codes: Tensor, targets: Tensor) -> None:
        """Become the ridge regression of targets (N, outputs) on codes (N, K)."""
        kept = torch.linspace(0, len(codes) - 1, min(len(codes), self.count)).round().long()
        centres, wanted = codes[kept].double(), targets[kept].double()
        kernel = self._kernel(centres, centres)
        found = torch.linalg.solve(kernel + self.ridge * torch.eye(len(kept)).to(kernel), wanted)
        self.weights.zero_()
        self.centres[: len(kept)] = centres.float()
        self.weights[: len(kept)] = found.float()

    def forward(self, codes: Tensor) -> Tensor:
        """(B, K) → (B, outputs)."""
        return self._kernel(codes, self.centres) @ self.weights

    def _kernel(self, first: Tensor, second: Tensor) -> Tensor:
        square = first.square().sum(1, keepdim=True) + second.square().sum(1) - 2 * first @ second.T
        return torch.exp(-square / (2 * first.shape[1] * self.width**2))
