"""Rows of tables as training data: numbers in, numbers out, split so that no group is on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from cellml.data.block_module import BlockDataModule
from cellml.data.labelled_mesh import folds_by_group
from cellml.errors import CellmlError
from cellml.types import Triple


@dataclass(frozen=True, eq=False)
class RowBlock:
    """Rows where the loaders expect a block. inputs: (N, P); outputs: (N, K); groups: (N,) what each row belongs together with."""

    name: str
    inputs: NDArray[np.floating]
    outputs: NDArray[np.floating]
    groups: tuple[str, ...]
    warning: str = ""
    spacing: Triple = (1.0, 1.0, 1.0)
    origin: Triple = (0.0, 0.0, 0.0)

    @property
    def channels(self) -> int:
        """P."""
        return self.inputs.shape[1]


class ShuffledRows(Dataset[dict[str, Tensor]]):
    """Number `epoch * N + index` → a row; each epoch has every row once, in an order of its own."""

    def __init__(self, block: RowBlock, seed: int) -> None:
        self.blocks, self.seed = [block], seed
        self._order: tuple[int, NDArray[np.int64]] = (-1, np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.blocks[0].inputs)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        epoch, index = divmod(int(number), len(self))
        if self._order[0] != epoch:
            self._order = (epoch, np.random.default_rng([self.seed, epoch]).permutation(len(self)))
        block, row = self.blocks[0], int(self._order[1][index])
        return {"image": torch.from_numpy(block.inputs[row]), "labels": torch.from_numpy(block.outputs[row])}


class RowDataModule(BlockDataModule):
    """All training rows as one block and the rows of held-out groups as another; a subclass reads its tables in `setup` and calls `split`.

    fold, folds: fold `fold` of `folds` of whole groups is for validation, by `folds_by_group`; None: all rows train; batch_size: rows of a
    step. A batch is {"image": (B, P), "labels": (B, K)}. Raises CellmlError for a fold that there is not.
    """

    def __init__(self, fold: int | None, folds: int, batch_size: int = 1, num_workers: int = 0, seed: int = 0) -> None:
        super().__init__((1, 1, 1), batch_size, batch_size, "none", num_workers, seed)
        if folds < 2 or (fold is not None and not 0 <= fold < folds):
            raise CellmlError(f"data.fold must be one of 0 to {folds - 1}, or null to train on all rows; it is {fold}.")
        self.fold, self.folds = fold, folds

    def split(
        self, name: str, inputs: NDArray[np.floating], outputs: NDArray[np.floating], groups: Sequence[str], warning: str = ""
    ) -> None:
        """Take rows (N, P) and (N, K), of which (N,) groups stay together, as the data; an epoch has as many as fill whole batches.

        Raises CellmlError where fewer than a batch are left to learn from.
        """
        held = np.zeros(len(inputs), bool) if self.fold is None else np.asarray(folds_by_group(list(groups), self.folds) == self.fold)
        train = int((~held).sum())
        if train < self.batch_size:
            raise CellmlError(f"{train} rows of {name} are left to learn from, less than data.batch_size={self.batch_size}.")
        self.patches_per_epoch = train // self.batch_size * self.batch_size
        names = np.asarray(groups, str)
        self._train = [RowBlock(name, inputs[~held], outputs[~held], tuple(names[~held].tolist()), warning)]
        self._val = [RowBlock(f"{name}, held out", inputs[held], outputs[held], tuple(names[held].tolist()))] if held.any() else []

    @property
    def training_blocks(self) -> list[RowBlock]:
        """The rows to learn from, as one block."""
        return self._train

    @property
    def validation_blocks(self) -> list[RowBlock]:
        """The rows of the held-out groups, as one block, or none."""
        return self._val

    def patches(self) -> Dataset[Any]:
        """The rows of an epoch."""
        return ShuffledRows(self._train[0], self.seed)

    def whole(self, block: RowBlock) -> dict[str, Any]:
        """All rows of a block."""
        return {"image": torch.from_numpy(block.inputs), "labels": torch.from_numpy(block.outputs)}
