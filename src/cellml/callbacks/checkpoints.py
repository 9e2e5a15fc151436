"""Checkpoints of a run: complete or not there, and with their history when a run goes on in another folder."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.plugins.io import TorchCheckpointIO

from cellml.io.atomic import atomic_path

log = logging.getLogger(__name__)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes aside, on the same disk, and renames: a full disk or a kill in the middle leaves the checkpoint before, whole."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write one checkpoint. Raises FileError if the disk is full or the place cannot be written."""
        with atomic_path(path) as aside, aside.open("wb") as stream:
            torch.save(checkpoint, stream)


class RunCheckpoint(ModelCheckpoint):
    """Lightning's ModelCheckpoint, with a history that holds across resuming.

    Lightning's forgets the best score where a resumed run has a folder of its own; this one takes it along. The checkpoint of
    the last step is written after the last validation, for from the end nothing goes on that could make up for one.
    """

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Write every n steps, but not yet at the last."""
        if trainer.global_step != trainer.max_steps:
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write what was put off at the last step."""
        super().on_train_end(trainer, pl_module)
        if trainer.global_step == trainer.max_steps:
            super().on_train_batch_end(trainer, pl_module, None, None, 0)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Copy the files that the old run kept into this run's folder, and go on as if they had been written here."""
        state, old, new = dict(state_dict), state_dict.get("dirpath"), self.dirpath
        if old and new and Path(old) != Path(new):
            kept = {path: _copied(path, Path(new)) for path in state.get("best_k_models", {})}
            state["best_k_models"] = {kept[path]: score for path, score in state.get("best_k_models", {}).items() if kept[path]}
            for key in ("best_model_path", "kth_best_model_path", "last_model_path"):
                state[key] = kept.get(state.get(key, ""), "")
            state["dirpath"] = new
            if not state["best_k_models"]:
                state |= {"best_model_score": None, "kth_value": self.kth_value}
        super().load_state_dict(state)


def _copied(path: str, folder: Path) -> str:
    source, target = Path(path), folder / Path(path).name
    if not source.is_file():
        log.warning("%s is gone; the best weights are looked for anew.", source)
        return ""
    with atomic_path(target) as aside:
        shutil.copyfile(source, aside)
    return str(target)
