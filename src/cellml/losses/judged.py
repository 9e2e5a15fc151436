"""The loss of a repair that a trained network will read: what the reader makes of it counts beside the image's own error."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from cellml.errors import CellmlError, ContractError
from cellml.losses.record import LossRecord
from cellml.losses.wedge import WedgeLoss


class JudgedLoss(WedgeLoss):
    """`WedgeLoss` + weight · mean (p(ŷ) − p(y))², p the answers of a fixed reader trained on undamaged images.

    A perceptual loss (Johnson, Alahi and Fei-Fei 2016, doi:10.1007/978-3-319-46475-6_43, eq. 2) whose features are the answers that are
    asked for in the end: affinities, memberships. judge: the reader's checkpoint, opened when first asked (never for inference); weight:
    of its part; invert: whether the reader knows dense structure dark; restoration: arguments of `WedgeLoss`. The reader is shown both
    images with the truth's mean and deviation, as inference shows it normalised images. Raises ContractError for a reader of several
    channels.
    """

    def __init__(self, judge: str, weight: float = 1.0, invert: bool = True, **restoration: Any) -> None:
        super().__init__(**restoration)
        if not weight >= 0:
            raise CellmlError(f"The weight of a judge must be 0 or more, got {weight}.")
        self.judge, self.weight, self.invert = judge, weight, invert
        self._reader: list[Any] = []  # in a list: neither its weights nor its mode are the task's own

    def forward(self, output: Tensor, target: Tensor, wedge: Tensor) -> LossRecord:
        """output, target: (B, 1, Z, Y, X); wedge: (B, 3), first and last tilt and step in degrees."""
        record = super().forward(output, target, wedge)
        with torch.no_grad():
            wanted = self._read(target)
        error = (self._read(levelled(output, target)) - wanted).square().mean()
        return LossRecord(record.total + self.weight * error, {**record.parts, "judged": error.detach()})

    def _read(self, image: Tensor) -> Tensor:
        """The reader's answers (B, K, Z, Y, X) in float32."""
        task = self._opened(image.device)
        answers: Tensor = task.target.activation(task.net(-image if self.invert else image).float())
        return answers

    def _opened(self, device: torch.device) -> Any:
        """The reader on the device, fixed."""
        if not self._reader:
            from cellml.checkpoint import load

            model = load(self.judge)
            if model.contract["channels"] != 1:
                raise ContractError(
                    f"{self.judge} reads images of {model.contract['channels']} channels; a repair has one. Give a reader of one channel."
                )
            self._reader.append(model.task.eval().requires_grad_(False))
        return self._reader[0].to(device)


def levelled(output: Tensor, target: Tensor) -> Tensor:
    """Each image (1, Z, Y, X) of `output` with the mean and the deviation of its truth; a constant one keeps its deviation."""
    axes = (1, 2, 3, 4)
    output, target = output.float(), target.float()
    spread = output.std(axes, keepdim=True, unbiased=False)
    gain = target.std(axes, keepdim=True, unbiased=False) / spread.clamp(min=1e-6)
    return (output - output.mean(axes, keepdim=True)) * torch.where(spread > 1e-6, gain, 1.0) + target.mean(axes, keepdim=True)
