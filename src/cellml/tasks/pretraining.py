"""Learning from images that nobody labelled: hide blocks of a volume and let the network guess what was there."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from cellml.losses.record import LossRecord
from cellml.tasks.base import VolumeTask


class HiddenVoxelError(nn.Module):
    """Mean absolute error over hidden voxels alone (Xie et al. 2022, section 3.3); in float32 whatever the network's precision."""

    def forward(self, output: Tensor, image: Tensor, hidden: Tensor) -> LossRecord:
        """output, image: (B, C, Z, Y, X); hidden: (B, 1, Z, Y, X) bool. Returns a scalar, zero where nothing is hidden."""
        weight = hidden.float().expand_as(image)
        return LossRecord(total=((output.float() - image.float()).abs() * weight).sum() / weight.sum().clamp(min=1))


class MaskedVolumeTask(VolumeTask):
    """A network that fills in hidden blocks; its weights are then a start for segmentation: `training.initialise_from`.

    Arguments as in VolumeTask; target: which blocks (`cellml.tasks.hidden.HiddenBlocks`). Hidden voxels are shown as 0, the mean of the
    normalised image. Validation hides the same blocks every time and logs `val/loss`, the mean absolute error over them, and
    `val/explained`, 1 − error/(error of answering 0): 0 for a network that learned nothing.
    """

    decoder = None
    decoder_grid: dict[str, Any] = {}  # noqa: RUF012  an image has nothing to decode

    def loss_of(self, batch: dict[str, Tensor]) -> LossRecord:
        """The loss on {"image": (B, C, z, y, x)}; what is hidden depends on the step, the process and the batch's place in the step."""
        image = batch["image"]
        hidden = self.target.hide(image.shape, (*self._place(), 0)).to(image.device)
        return self.loss(self.net(torch.where(hidden, 0, image)), image, hidden)  # type: ignore[no-any-return]

    def on_validation_epoch_start(self) -> None:
        """Start the sums anew: absolute error, absolute value and number of hidden voxels."""
        self.sums = torch.zeros(3, dtype=torch.float64)

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Any]:
        """Guess and count one whole block; returns {"image": (C, Z, Y, X)} for callbacks."""
        image = batch["image"].float().cpu()
        hidden = self.target.hide((1, *image.shape), (batch_idx, 1))[0]
        guess = torch.from_numpy(self.predict_volume(torch.where(hidden, 0, image).numpy()))
        where = hidden.expand_as(image)
        self.sums += torch.tensor([(guess - image)[where].abs().sum(), image[where].abs().sum(), where.sum()], dtype=torch.float64)
        return {"image": guess.numpy()}

    def on_validation_epoch_end(self) -> None:
        """Log scores of the sums."""
        error, size, voxels = (float(value) for value in self.sums)
        self.log("val/loss", error / max(voxels, 1.0))
        self.log("val/explained", 1 - error / max(size, 1e-12), prog_bar=True)

    def _place(self) -> tuple[int, int, int]:
        """Step, process, and which batch of the step this is, where several are accumulated."""
        step = int(self.global_step)
        last, count = getattr(self, "_counted", (-1, 0))
        self._counted = (step, count + 1 if last == step else 0)
        return step, int(self.global_rank), self._counted[1]
