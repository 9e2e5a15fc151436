"""Makes every checkpoint that training writes one that predicts: adds the key `cellml`."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl


class CheckpointContract(pl.Callback):
    """record: the value of the key `cellml` (see `cellml.checkpoint.make_record`); the latest validation metrics are added to it."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record

    def on_save_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Add the record, with the metrics as plain numbers."""
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items() if value.numel() == 1}
        checkpoint["cellml"] = {**self.record, "metrics": metrics, "step": int(trainer.global_step)}
