"""The regression task: predict images, such as fluorescence from transmitted light, or a clean image from a noisy one."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from cellml.metrics.correlation import ImageMoments
from cellml.tasks.base import VolumeTask


class RegressionTask(VolumeTask):
    """A network that answers with an image (Christiansen et al. 2018, doi:10.1016/j.cell.2018.03.040; Ounkomol et al. 2018,
    doi:10.1038/s41592-018-0111-2).

    Arguments as in VolumeTask, with an `ImageTarget` and an image loss. Validation sums moments over whole blocks and logs, for each
    channel, `val/pearson_<name>` and `val/mae_<name>` (in normalised units), and their means `val/pearson` and `val/mae`.
    """

    decoder = None
    decoder_grid: dict[str, Any] = {}  # noqa: RUF012  an image has nothing to decode

    def on_validation_epoch_start(self) -> None:
        """Start the statistics anew."""
        self.moments = ImageMoments.zeros(len(self.target.image_channels))

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Any]:
        """Predict and count one whole block; returns {"image": (K, Z, Y, X)} for callbacks."""
        predicted = self.predict_volume(batch["image"].float().cpu().numpy())
        truth, mask = self.target(batch["labels"][None].cpu())
        output = self.target.output(torch.from_numpy(predicted)[None])
        self.log("val/loss", self.loss.cpu()(output, truth, mask).total, batch_size=1)
        self.loss.to(self.device)
        images = predicted[: len(self.target.image_channels)]
        self.moments = self.moments + ImageMoments.from_images(truth[0].numpy(), images, mask[0].numpy())
        return {"image": predicted}

    def on_validation_epoch_end(self) -> None:
        """Log scores of the summed statistics."""
        for name, value in self.scores().items():
            self.log(f"val/{name}", value, prog_bar=name == "pearson")

    def scores(self) -> dict[str, float]:
        """Scores of everything counted since validation began."""
        r, mae = self.moments.pearson(), self.moments.mean_absolute_error()
        each = {f"pearson_{name}": float(value) for name, value in zip(self.target.image_channels, r, strict=True)}
        each |= {f"mae_{name}": float(value) for name, value in zip(self.target.image_channels, mae, strict=True)}
        return {"pearson": float(np.mean(r)), "mae": float(np.mean(mae)), **each}
