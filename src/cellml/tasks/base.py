"""What every task on volumes shares: a network trained on patches and asked for whole volumes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.infer.predict import SlidingWindow
from cellml.losses.record import LossRecord
from cellml.tasks.deep_supervision import supervised_loss
from cellml.tasks.overflow import drop_overflown_gradients, finite_loss
from cellml.transfer import freeze, learning_rates, parameter_groups

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
        self.rates: dict[str, float] = {}
        self._frozen: list[nn.Module] = []
        # What callbacks add to the loss of a training step, such as `cellml.callbacks.hidden_losses`.
        self.penalties: list[Callable[[LossRecord, dict[str, Tensor]], LossRecord]] = []

    def transfer(self, frozen: Sequence[str] = (), layer_rates: Mapping[str, float] | None = None, rate_decay: float = 1.0) -> None:
        """Freeze parts of the network, and give others learning rates of their own; as `cellml.transfer` explains."""
        self._frozen = freeze(self.net, frozen)
        if layer_rates or rate_decay != 1.0:
            self.rates = learning_rates(self.net, layer_rates or {}, rate_decay)
        self.train(self.training)

    def train(self, mode: bool = True) -> VolumeTask:
        """Training mode, but for frozen parts, whose batch norms must not move either."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self

    def forward(self, image: Tensor) -> Tensor:
        """Normalised image (B, C, Z, Y, X) → logits (B, K, Z, Y, X)."""
        return self.net(image)  # type: ignore[no-any-return]

    def configure_optimizers(self) -> Any:
        """The optimiser and, for each step, the scheduled learning rate."""
        optimizer = self._optimizer()
        if self.schedule is None:
            return optimizer
        total, schedule = int(self.trainer.estimated_stepping_batches), self.schedule
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule(step, total))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _optimizer(self) -> torch.optim.Optimizer:
        if not self.rates:
            return self.make_optimizer([p for p in self.parameters() if p.requires_grad])
        optimizer = self.make_optimizer(parameter_groups(self, self.rates))
        for group in optimizer.param_groups:
            group["lr"] *= group["rate"]
        return optimizer

    def loss_of(self, batch: dict[str, Tensor]) -> LossRecord:
        """The loss on {"image": (B, C, z, y, x), "labels": what the target reads}."""
        target, mask = self.target(batch["labels"])
        weights = getattr(self.net, "supervision", None)
        return supervised_loss(self.loss, self.net(batch["image"]), target, mask, weights)

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """One step. Raises CellmlError where the loss is no longer finite, in float32 either."""
        record = finite_loss(self, batch)
        for penalise in self.penalties:
            record = penalise(record, batch)
        size = len(batch["image"])
        self.log("train/loss", record.total, prog_bar=True, batch_size=size)
        for name, value in record.parts.items():
            self.log(f"train/{name}_loss", value, batch_size=size)
        return record.total

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        """Leave a step out whose gradients overflowed."""
        drop_overflown_gradients(self, step=self.global_step, precision=self.trainer.precision)

    @property
    def predictor(self) -> nn.Module:
        """The network that predicts whole volumes: the trained one, unless a task keeps a better one."""
        return self.net

    def prediction_state(self) -> dict[str, Tensor]:
        """The weights that a checkpoint for prediction holds, by the task's names."""
        return self.state_dict()

    def predict_volume(self, image: Any, on_tile: Callable[[], object] | None = None) -> Any:
        """Normalised image (C, Z, Y, X) float32 → activated output (K, Z, Y, X) float32."""
        net = self.predictor
        modes = {module: module.training for module in net.modules()}
        net.eval()
        try:
            return self.window.whole(net, image, activation=self.target.activation, on_tile=on_tile)
        finally:
            for module, mode in modes.items():
                module.training = mode
