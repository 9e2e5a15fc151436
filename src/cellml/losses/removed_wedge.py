"""The loss of self-supervised missing-wedge repair."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cellml.losses.record import LossRecord


class RemovedWedgeLoss(nn.Module):
    """Squared error of Fourier coefficients, where the target measured them.

        L = ‖M M_R F w (f(x) − y)‖² + λ ‖(1 − M) M_R F w (f(x) − y)‖²

    (Wiedemann and Heckel 2024, doi:10.1038/s41467-024-51438-y, eq. 3, with λ = 2; IsoNet 2 has the same two terms.) M: coefficients that
    the input kept; M_R: what the target measured, in its rotated frame; w: a window, which keeps the borders of the block out of the
    transform. In the first term the noise of input and target is independent and the best answer is the signal (Lehtinen et al. 2018);
    the second asks for the coefficients that were removed from the input. Nothing is asked where the target measured nothing.
    """

    def __init__(self, wedge_weight: float = 2.0) -> None:
        super().__init__()
        self.wedge_weight = wedge_weight

    def forward(self, output: Tensor, target: Tensor, window: Tensor, kept: Tensor, known: Tensor) -> LossRecord:
        """output, target, window: (B, 1, n, n, n); kept, known: M and M_R in rfftn's layout. Parts are errors a voxel of the window."""
        error = spectrum((output.float() - target.float()) * window) / window.square().sum((-3, -2, -1), keepdim=True).clamp(min=1)
        measured, removed = (error * kept * known).sum((-3, -2, -1)).mean(), (error * (1 - kept) * known).sum((-3, -2, -1)).mean()
        return LossRecord(total=measured + self.wedge_weight * removed, parts={"measured": measured, "removed": removed})


def spectrum(image: Tensor) -> Tensor:
    """Power of each coefficient of rfftn (B, 1, n, n, n // 2 + 1), counted as often as fftn has it: the sum is that of image²."""
    size = image.shape[-1]
    power: Tensor = torch.fft.rfftn(image, dim=(-3, -2, -1), norm="ortho").abs().square()
    twice = torch.full((size // 2 + 1,), 2.0, device=image.device)
    twice[0] = 1
    if size % 2 == 0:
        twice[-1] = 1
    return power * twice
