"""The segmentation task: train on patches, judge on whole blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from cellml.errors import CellmlError
from cellml.infer.predict import SlidingWindow
from cellml.metrics.confusion import ConfusionCounts
from cellml.metrics.contingency import ContingencyTable
from cellml.tasks.base import Schedule, VolumeTask


class SegmentationTask(VolumeTask):
    """A network, what it is asked for, and how its answer becomes labels.

    net: (B, C, Z, Y, X) → logits (B, K, Z, Y, X); target: labels → (target, mask), with `kind`, `channels`, `activation`; loss(logits,
    target, mask) → LossRecord; optimizer(parameters) and schedule(step, total): factories; decoder(probabilities (K, Z, Y, X), offsets or
    class names) → labels (Z, Y, X), none for the most probable class; decoder_grid: values of its fields to choose from after training;
    window: how whole volumes are predicted. Validation metrics come from statistics summed over whole blocks.
    """

    def __init__(
        self,
        net: nn.Module,
        target: Any,
        loss: nn.Module,
        optimizer: Callable[[Any], torch.optim.Optimizer],
        schedule: Schedule | None = None,
        decoder: Any = None,
        decoder_grid: Mapping[str, Sequence[Any]] | None = None,
        window: SlidingWindow | None = None,
    ) -> None:
        if target.kind == "instance" and decoder is None:
            raise CellmlError(
                "An instance target needs a decoder that turns probabilities into objects; give task.decoder._target_, as conf/decode does."
            )
        super().__init__(net, target, loss, optimizer, schedule, window)
        self.decoder, self.decoder_grid = decoder, dict(decoder_grid or {})
        self.table, self.confusion = ContingencyTable(), ConfusionCounts.zeros(max(2, target.channels))

    def on_validation_epoch_start(self) -> None:
        """Start the statistics anew."""
        self.table, self.confusion = ContingencyTable(), ConfusionCounts.zeros(max(2, self.target.channels))

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Any]:
        """Predict, decode and count one whole block; returns {"prediction": (Z, Y, X), "probabilities": (K, Z, Y, X)} for callbacks."""
        probabilities = self.predict_volume(batch["image"].float().cpu().numpy())
        truth = batch["labels"].cpu()
        target, mask = self.target(truth[None])
        answer = self.target.output(torch.from_numpy(probabilities)[None])
        self.log("val/loss", self.loss.cpu()(answer, target, mask).total, batch_size=1)
        self.loss.to(self.device)
        prediction = self.decode(probabilities)
        known = mask.any(dim=1)[0].numpy()
        if self.target.kind == "semantic":
            self.confusion = self.confusion.update(truth.numpy(), prediction, known)
        else:
            objects = _after(self.target.objects(truth.numpy()), self.table.truth)
            self.table = self.table.update(objects, _after(prediction, self.table.prediction), known)
        return {"prediction": prediction, "probabilities": probabilities}

    def on_validation_epoch_end(self) -> None:
        """Log scores of the summed statistics."""
        for name, value in self.scores().items():
            self.log(f"val/{name}", value, prog_bar=name in ("adapted_rand_error", "dice"))

    def scores(self) -> dict[str, float]:
        """Scores of everything counted since validation began."""
        if self.target.kind == "semantic":
            return {"dice": self.confusion.mean_dice(), "iou": self.confusion.mean_iou()}
        return self.target.scores(self.table) if self.table.labelled().voxels else {}

    def decode(self, probabilities: Any) -> Any:
        """Probabilities (K, Z, Y, X) → labels (Z, Y, X)."""
        if self.decoder is None:
            return probabilities.argmax(axis=0)
        labels = self.decoder(*self.target.pairs(probabilities))
        return labels if self.target.kind == "semantic" else _consecutive(labels)


def _after(labels: Any, counted: Any) -> Any:
    """Labels above 0 numbered beyond those counted before: objects of different blocks are different objects."""
    last = int(counted.max(initial=0))
    return np.where(labels > 0, labels.astype(np.int64) + last, labels) if last > 0 else labels


def _consecutive(labels: Any) -> Any:
    """The same objects numbered 1, 2, 3 … in the order of their old numbers; 0 stays 0."""
    present = np.bincount(labels.ravel()) > 0
    present[0] = False
    numbers = np.where(present, np.cumsum(present), 0).astype(labels.dtype)
    return numbers[labels]
