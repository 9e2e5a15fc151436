"""Denoising that needs neither clean images nor pairs: the network guesses hidden voxels from their surroundings."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from cellml.losses.record import LossRecord
from cellml.tasks.pretraining import MaskedVolumeTask


class BlindSpotTask(MaskedVolumeTask):
    """Noise2Void (Krull et al. 2019): where noise is independent from voxel to voxel and the signal is not, the best guess of a hidden
    noisy voxel is its signal.

    Arguments as in VolumeTask; target: which voxels (`cellml.tasks.blind_spots.BlindSpots`); loss: squared error asks for the mean of the
    signal. Validation hides the same voxels every time and logs `val/loss`, the mean squared error at them, which cannot fall below the
    noise's variance, and `val/explained`, 1 − error / (error of answering the mean). After training, `cellml infer` shows the network the
    whole image and writes the denoised one in the grey values of its input.
    """

    def loss_of(self, batch: dict[str, Tensor]) -> LossRecord:
        """The loss on {"image": (B, C, z, y, x)}; what is hidden depends on the step, the process and the batch's place in the step."""
        shown, judged = self.target.hide(batch["image"], (*self._place(), 0))
        return self.loss(self.net(shown), batch["image"], judged)  # type: ignore[no-any-return]

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Any]:
        """Guess and count one whole block; returns {"image": (C, Z, Y, X)} for callbacks."""
        image = batch["image"].float().cpu()
        shown, judged = self.target.hide(image[None], (batch_idx, 1))
        guess = torch.from_numpy(self.predict_volume(shown[0].numpy()))
        where = judged[0].expand_as(image)
        error, size = (guess - image)[where].square().sum(), image[where].square().sum()
        self.sums += torch.tensor([error, size, where.sum()], dtype=torch.float64)
        return {"image": guess.numpy()}
