"""What every task on volumes shares: a network trained on patches and asked for whole volumes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.infer.predict import SlidingWindow

Schedule = Callable[[int, int], float]


class VolumeTask(pl.LightningModule):
    """A network, what it is asked for, and how its weights are found.

    net: (B, C, Z, Y, X) → logits (B, K, Z, Y, X); target: labels → (target, mask), with `kind`, `channels`, `activation`; loss(logits,
    target, mask) → LossRecord; optimizer(parameters) and schedule(step, total): factories; window: how whole volumes are predicted.
    """

    def __init__(
        self,
        net: nn.Module,
        target: Any,
        loss: nn.Module,
        optimizer: Callable[[Any], torch.optim.Optimizer],
        schedule: Schedule | None = None,
        window: SlidingWindow | None = None,
    ) -> None:
        super().__init__()
        if getattr(net, "out_channels", target.channels) != target.channels:
            raise CellmlError(
                f"The network has {net.out_channels} output channels, but the target asks for {target.channels}; "
                f"set task.net.out_channels={target.channels}."
            )
        self.net, self.target, self.loss = net, target, loss
        self.make_optimizer, self.schedule = optimizer, schedule
        self.window = window or SlidingWindow()

    def forward(self, image: Tensor) -> Tensor:
        """Normalised image (B, C, Z, Y, X) → logits (B, K, Z, Y, X)."""
        return self.net(image)  # type: ignore[no-any-return]

    def configure_optimizers(self) -> Any:
        """The optimiser and, for each step, the scheduled learning rate."""
        optimizer = self.make_optimizer(self.parameters())
        if self.schedule is None:
            return optimizer
        total, schedule = int(self.trainer.estimated_stepping_batches), self.schedule
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule(step, total))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """One step on {"image": (B, C, z, y, x), "labels": what the target reads}."""
        target, mask = self.target(batch["labels"])
        record = self.loss(self.net(batch["image"]), target, mask)
        size = len(batch["image"])
        self.log("train/loss", record.total, prog_bar=True, batch_size=size)
        for name, value in record.parts.items():
            self.log(f"train/{name}", value, batch_size=size)
        return record.total  # type: ignore[no-any-return]

    def predict_volume(self, image: Any, on_tile: Callable[[], object] | None = None) -> Any:
        """Normalised image (C, Z, Y, X) float32 → activated output (K, Z, Y, X) float32."""
        was_training = self.net.training
        self.net.eval()
        try:
            return self.window.whole(self.net, image, activation=self.target.activation, on_tile=on_tile)
        finally:
            self.net.train(was_training)
