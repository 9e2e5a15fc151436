"""What the data modules share: loaders that resume exactly, and what a checkpoint must know of its input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset

from cellml.data.device_augment import NUMBER, NumberedPatches, augment_on_device
from cellml.data.patches import PositionSampler, collate
from cellml.errors import CellmlError
from cellml.preemption import leave_signals_to_training


class BlockDataModule(pl.LightningDataModule):
    """Random patches of opened training blocks, whole validation blocks.

    A subclass opens its blocks in `setup`, and says what a patch and a whole block hold and how samples become a batch (`collate`). patch:
    (z, y, x) voxels; patches_per_epoch: over all processes; normalisation: of the image; num_workers: loader processes. Raises CellmlError
    for an epoch that batches do not divide.

    device_transforms: augmentation of batches on the device that trains (`cellml.data.device_augment`), for machines whose processor cannot
    keep the device busy; a subclass that offers it sets it.
    """

    def __init__(
        self, patch: Sequence[int], batch_size: int, patches_per_epoch: int, normalisation: str, num_workers: int, seed: int
    ) -> None:
        super().__init__()
        if patches_per_epoch % batch_size:
            raise CellmlError(f"data.patches_per_epoch ({patches_per_epoch}) must be a multiple of data.batch_size ({batch_size}).")
        self.patch, self.batch_size, self.patches_per_epoch = tuple(int(p) for p in patch), batch_size, patches_per_epoch
        self.normalisation, self.num_workers, self.seed = normalisation, num_workers, seed
        self.device_transforms: list[Any] = []
        self._train: list[Any] = []
        self._val: list[Any] = []

    def setup(self, stage: str | None = None) -> None:
        """Open the blocks, once, and check them."""
        raise NotImplementedError

    def patches(self) -> Dataset[Any]:
        """The patches of an epoch, each a function of its number."""
        raise NotImplementedError

    def whole(self, block: Any) -> dict[str, Any]:
        """What a validation block holds beside its frame."""
        raise NotImplementedError

    @staticmethod
    def collate(samples: list[dict[str, Any]]) -> dict[str, Any]:
        """A batch of samples."""
        return collate(samples)

    @property
    def contract(self) -> dict[str, Any]:
        """What a checkpoint must know of its input: axes, channels, spacing (nm), normalisation, patch."""
        self.setup()
        first = self._train[0]
        return {
            "axes": "ZYX" if first.channels == 1 else "CZYX",
            "channels": first.channels,
            "spacing_nm": [float(s) for s in first.spacing],
            "normalisation": self.normalisation,
            "patch": list(self.patch),
        }

    @property
    def warnings(self) -> list[str]:
        """What the user must know of the data's origin, such as a phantom standing in for a real specimen."""
        return sorted({block.warning for block in [*self._train, *self._val] if block.warning})

    def train_dataloader(self) -> DataLoader[Any]:
        """Batches from where the trainer stands: at the start, or in the middle of an epoch after resuming."""
        trainer = self.trainer
        world, rank = (trainer.world_size, trainer.global_rank) if trainer else (1, 0)
        dataset = self.patches()
        if self.device_transforms:
            dataset = NumberedPatches(dataset)
        together = self.batch_size * world * (trainer.accumulate_grad_batches if trainer else 1)
        if self.patches_per_epoch % together:
            raise CellmlError(
                f"data.patches_per_epoch is {self.patches_per_epoch}; it must be a multiple of the {together} patches of an optimiser step "
                f"(batch_size {self.batch_size} × {world} processes × accumulated batches)."
            )
        sampler = PositionSampler(self.patches_per_epoch, self._consumed, rank=rank, world=world)
        return DataLoader(
            dataset,
            batch_size=self.batch_size,
            sampler=sampler,
            num_workers=self.num_workers,
            collate_fn=self.collate,
            worker_init_fn=_begin_loading,
            drop_last=True,
            persistent_workers=self.num_workers > 0,
            pin_memory=torch.cuda.is_available(),
        )

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Augment a training batch where it now is; validation blocks stay as they are."""
        if not self.device_transforms or not isinstance(batch, dict) or NUMBER not in batch:
            return batch
        return augment_on_device(batch, self.device_transforms, self.seed)

    def _consumed(self) -> int:
        """Patches that all processes together have trained on: what a checkpoint restores as the number of optimiser steps."""
        if self.trainer is None:
            return 0
        return self.trainer.global_step * self.trainer.accumulate_grad_batches * self.batch_size * self.trainer.world_size

    def val_dataloader(self) -> DataLoader[Any]:
        """Whole validation blocks, one at a time: what `whole` says, "spacing" (nm), "origin" (nm) and "name"."""
        return DataLoader(_WholeBlocks(self), batch_size=None, shuffle=False)


def _begin_loading(worker: int) -> None:
    leave_signals_to_training()
    info = torch.utils.data.get_worker_info()
    assert info is not None
    for block in info.dataset.blocks:  # type: ignore[attr-defined]
        if hasattr(block, "reopen"):  # others are in memory
            block.reopen()


class _WholeBlocks(Dataset[dict[str, Any]]):
    def __init__(self, module: BlockDataModule) -> None:
        self.blocks, self.whole = module._val, module.whole

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, index: int) -> dict[str, Any]:
        block = self.blocks[index]
        return {**self.whole(block), "spacing": block.spacing, "origin": block.origin, "name": block.name}
