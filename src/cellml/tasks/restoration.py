"""Repair of the missing wedge, learned from pairs of reconstruction and truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cellml.data.wedge_damage import tilts_of
from cellml.infer.predict import SlidingWindow
from cellml.losses.record import LossRecord
from cellml.metrics.psnr import psnr
from cellml.metrics.wedge_correlation import in_wedge_correlation
from cellml.tasks.base import Schedule, VolumeTask


class RestorationTask(VolumeTask):
    """A network that is shown a reconstruction and asked for the specimen (supervised; data from `cellml.data.wedge_module`).

    Arguments as in VolumeTask, with an `ImageTarget` of one channel and a `WedgeLoss`. consistency: the differentiable last layer that
    returns measured coefficients (`MeasuredReturn`), applied to training patches and validation blocks; None leaves the network's answer as
    it is, and `cellml infer` returns them to the whole volume. Validation predicts whole blocks and logs `val/psnr` (dB, after one affine
    grey fit) and `val/wedge_correlation` (inside the missing wedge alone), each as a mean over blocks, and both for the reconstruction
    itself as `val/input_psnr` and `val/input_wedge_correlation`: what there was before.
    """

    decoder = None
    decoder_grid: dict[str, Any] = {}  # noqa: RUF012  an image has nothing to decode

    def __init__(
        self,
        net: nn.Module,
        target: Any,
        loss: nn.Module,
        optimizer: Callable[[Any], torch.optim.Optimizer],
        schedule: Schedule | None = None,
        window: SlidingWindow | None = None,
        consistency: Any = None,
    ) -> None:
        super().__init__(net, target, loss, optimizer, schedule, window)
        self.consistency = consistency
        self._before: dict[int, dict[str, float]] = {}

    def repaired(self, batch: dict[str, Tensor]) -> Tensor:
        """The answer to a batch, (B, 1, z, y, x), with measured coefficients returned where that is asked for."""
        answer = self.net(batch["image"])
        return answer if self.consistency is None else self.consistency(answer, batch["image"][:, :1], batch["wedge"])

    def loss_of(self, batch: dict[str, Tensor]) -> LossRecord:
        """The loss on {"image": (B, C, z, y, x), "labels": (B, 1, z, y, x), "wedge": (B, 3)}."""
        return self.loss(self.repaired(batch), batch["labels"], batch["wedge"])  # type: ignore[no-any-return]

    def on_validation_epoch_start(self) -> None:
        """Start the lists of blocks anew."""
        self.found: list[dict[str, float]] = []

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Any]:
        """Repair and judge one whole block; returns {"image": (1, Z, Y, X)} for callbacks."""
        image, truth, wedge = (batch[name].float().cpu() for name in ("image", "labels", "wedge"))
        answer = torch.from_numpy(self.predict_volume(image.numpy()))
        if self.consistency is not None:
            answer = self.consistency(answer[None], image[None, :1], wedge[None])[0]
        self.judge(answer, truth, image[0], wedge, batch_idx)
        return {"image": answer.numpy()}

    def judge(self, answer: Tensor, truth: Tensor, before: Tensor, wedge: Tensor, block: int) -> None:
        """Take the scores of one block; answer, truth: (1, Z, Y, X); before: the reconstruction (Z, Y, X); wedge: (3,) degrees."""
        loss = self.loss(answer[None], truth[None], wedge[None])
        if block not in self._before:
            scores = repair_scores(truth[0].numpy(), before.numpy(), wedge)
            self._before[block] = {f"input_{name}": value for name, value in scores.items()}
        scores = repair_scores(truth[0].numpy(), answer[0].numpy(), wedge)
        self.found.append({"loss": float(loss.total), **scores, **self._before[block]})

    def on_validation_epoch_end(self) -> None:
        """Log means over blocks."""
        for name in self.found[0] if self.found else ():
            self.log(f"val/{name}", float(np.mean([scores[name] for scores in self.found])), prog_bar=name == "psnr")


def repair_scores(truth: Any, image: Any, wedge: Tensor) -> dict[str, float]:
    """Scores `psnr` (dB) and `wedge_correlation` of an image (Z, Y, X); wedge: (3,), first and last tilt and step in degrees."""
    tilts = tilts_of(*(float(v) for v in wedge))
    return {"psnr": psnr(truth, image), "wedge_correlation": in_wedge_correlation(truth, image, tilts)}
