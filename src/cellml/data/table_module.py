"""Rows of a table as training data: descriptors in, observables out, split by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from cellml.data.block_module import BlockDataModule
from cellml.data.labelled_mesh import folds_by_group
from cellml.data.table import read_columns, read_words
from cellml.errors import CellmlError
from cellml.interpret.hierarchy_files import read_hierarchy
from cellml.types import Triple


@dataclass(frozen=True, eq=False)
class TableBlock:
    """Rows where the loaders expect a block. descriptors: (N, P) float32; outputs: (N, K) float32."""

    name: str
    descriptors: NDArray[np.float32]
    outputs: NDArray[np.float32]
    warning: str = ""
    spacing: Triple = (1.0, 1.0, 1.0)
    origin: Triple = (0.0, 0.0, 0.0)

    @property
    def channels(self) -> int:
        """P."""
        return self.descriptors.shape[1]


class TableRows(Dataset[dict[str, Tensor]]):
    """Number `epoch * N + index` → a row; each epoch has every row once, in an order of its own."""

    def __init__(self, block: TableBlock, seed: int) -> None:
        self.blocks, self.seed = [block], seed
        self._order: tuple[int, NDArray[np.int64]] = (-1, np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.blocks[0].descriptors)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        epoch, index = divmod(int(number), len(self))
        if self._order[0] != epoch:
            self._order = (epoch, np.random.default_rng([self.seed, epoch]).permutation(len(self)))
        block, row = self.blocks[0], int(self._order[1][index])
        return {"image": torch.from_numpy(block.descriptors[row]), "labels": torch.from_numpy(block.outputs[row])}


class TableDataModule(BlockDataModule):
    """A CSV table of descriptors and observables.

    path: a header, then one row for each shape; hierarchy: as `read_hierarchy` takes it, for the columns of descriptors; outputs: columns
    to predict; group: a column that names what must not be split, or None for rows each of its own; fold, folds: fold `fold` of `folds`
    is for validation, None: all rows train; batch_size: rows of a step, of which an epoch has as many as fit. A batch is
    {"image": (B, P), "labels": (B, K)}. Raises CellmlError for a fold that there is not, fewer training rows than a batch, and what
    `read_columns` refuses.
    """

    def __init__(
        self,
        path: str | Path,
        hierarchy: str | Mapping[str, Any],
        outputs: Sequence[str],
        group: str | None = None,
        fold: int | None = 0,
        folds: int = 5,
        batch_size: int = 32,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__((1, 1, 1), batch_size, batch_size, "none", num_workers, seed)
        if folds < 2 or (fold is not None and not 0 <= fold < folds):
            raise CellmlError(f"data.fold must be one of 0 to {folds - 1}, or null to train on all rows; it is {fold}.")
        self.path, self.outputs, self.group, self.fold, self.folds = Path(path), [str(o) for o in outputs], group, fold, folds
        self.descriptors = list(read_hierarchy(hierarchy).descriptors)

    def setup(self, stage: str | None = None) -> None:
        """Read the table and split it."""
        if self._train:
            return
        x, y = read_columns(self.path, self.descriptors), read_columns(self.path, self.outputs)
        groups = read_words(self.path, self.group) if self.group else [str(n) for n in range(len(x))]
        held = np.zeros(len(x), bool) if self.fold is None else np.asarray(folds_by_group(groups, self.folds) == self.fold)
        train = int((~held).sum())
        if train < self.batch_size:
            raise CellmlError(f"{train} rows of {self.path} are left to learn from, less than data.batch_size={self.batch_size}.")
        self.patches_per_epoch = train // self.batch_size * self.batch_size
        name = self.path.stem
        self._train = [TableBlock(name, x[~held], y[~held])]
        self._val = [TableBlock(f"{name}, held out", x[held], y[held])] if held.any() else []

    @property
    def training_blocks(self) -> list[TableBlock]:
        """The rows to learn from, as one block."""
        return self._train

    @property
    def validation_blocks(self) -> list[TableBlock]:
        """The rows of the held-out groups, as one block, or none."""
        return self._val

    def patches(self) -> Dataset[Any]:
        """The rows of an epoch."""
        return TableRows(self._train[0], self.seed)

    def whole(self, block: TableBlock) -> dict[str, Any]:
        """All rows of a block."""
        return {"image": torch.from_numpy(block.descriptors), "labels": torch.from_numpy(block.outputs)}
