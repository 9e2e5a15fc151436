"""The task of visible networks: observables from descriptors, through subsystems that have names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.losses.record import LossRecord
from cellml.tasks.base import Schedule, VolumeTask
from cellml.tasks.table_target import TableTarget


class VisibleTask(VolumeTask):
    """A `VisibleNet` with a `TableTarget` on the data of `cellml.data.table_module`.

    net, loss (of `cellml.losses.visible`), optimizer, schedule: as in VolumeTask. Validation logs `val/loss`, `val/r2` (mean of the
    coefficients of determination of all outputs) and `val/r2_<output>`.
    """

    net: Any
    target: TableTarget
    decoder = None
    decoder_grid: dict[str, Any] = {}  # noqa: RUF012  numbers have nothing to decode

    def __init__(
        self,
        net: nn.Module,
        target: TableTarget,
        loss: nn.Module,
        optimizer: Callable[[Any], torch.optim.Optimizer],
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(net, target, loss, optimizer, schedule)
        if self.net.outputs != target.channels:
            raise CellmlError(f"The network has {self.net.outputs} outputs and the target names {target.channels}; set task.net.outputs.")

    def inlined(self) -> dict[str, Any]:
        """What was read from files, by the key of the configuration that named them: a checkpoint holds it instead of the path."""
        return {"task.net.hierarchy": self.net.hierarchy.as_mapping()}

    def on_fit_start(self) -> None:
        """At the very start: descriptors and outputs are standardised by the training rows."""
        if self.global_step == 0:
            data = self.trainer.datamodule  # type: ignore[attr-defined]
            self.require_columns(data.descriptors, data.outputs)
            block = data.training_blocks[0]
            self.net.require_values(block.inputs, block.name)
            self.net.start(torch.from_numpy(block.inputs), torch.from_numpy(block.outputs))

    def require_columns(self, descriptors: list[str], outputs: list[str]) -> None:
        """Raise CellmlError where the data's columns are not those of the network, in its order."""
        for what, given, wanted in (
            ("descriptors", list(descriptors), list(self.net.hierarchy.descriptors)),
            ("outputs", list(outputs), self.target.outputs),
        ):
            if given != wanted:
                raise CellmlError(f"The data give the {what} {given} and the task takes {wanted}; name the same columns for both.")

    def loss_of(self, batch: dict[str, Tensor]) -> LossRecord:
        """The loss on {"image": (B, P) descriptors, "labels": (B, K) outputs}, both in the units of the table."""
        told = self.net.told(self.net.states(self.net.standardised(batch["image"])))
        return self.loss(told, (batch["labels"] - self.net.output_middle) / self.net.output_spread)  # type: ignore[no-any-return]

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Any]:
        """Predict all held-out rows, (N, P) → {"outputs": (N, K)}."""
        self.log("val/loss", self.loss_of(batch).total, batch_size=1)
        predicted = self(batch["image"])
        residual = (predicted - batch["labels"]).square().sum(dim=0)
        r2 = 1 - residual / (batch["labels"] - batch["labels"].mean(dim=0)).square().sum(dim=0)
        self.log("val/r2", r2.mean(), prog_bar=True, batch_size=1)
        self.log_dict({f"val/r2_{name}": value for name, value in zip(self.target.outputs, r2, strict=True)}, batch_size=1)
        return {"outputs": predicted}
