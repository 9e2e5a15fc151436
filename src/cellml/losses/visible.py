"""The loss of a visible neural network."""

from __future__ import annotations

from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.losses.record import LossRecord


class VisibleLoss(nn.Module):
    """‖y_r − y‖² + α Σ_{t ≠ r} ‖y_t − y‖², means over rows and outputs; r is the root (Ma et al. 2018, eq. 2).

    auxiliary: α, the weight of what each subsystem alone tells. The second sum makes every subsystem useful by itself, which is what lets
    it be scored; decay of weights is the optimiser's.
    """

    def __init__(self, auxiliary: float = 0.3) -> None:
        super().__init__()
        if auxiliary < 0:
            raise CellmlError(f"task.loss.auxiliary is {auxiliary}; it is a weight, at least 0.")
        self.auxiliary = auxiliary

    def forward(self, told: Tensor, outputs: Tensor) -> LossRecord:
        """told: (B, S, K) standardised outputs as each subsystem tells them, the root's last; outputs: (B, K) standardised."""
        squares = (told - outputs[:, None]).square().mean(dim=(0, 2))
        root, others = squares[-1], squares[:-1].sum()
        return LossRecord(root + self.auxiliary * others, {"root": root.detach(), "auxiliary": others.detach()})
