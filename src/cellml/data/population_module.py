"""Simulated populations as training data for a surrogate: features in, observables out, split so that no group is on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cellml.data.block_module import BlockDataModule
from cellml.data.labelled_mesh import folds_by_group
from cellml.errors import CellmlError
from cellml.populations.table import read_simulated
from cellml.types import Triple

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PopulationBlock:
    """Shapes where the loaders expect a block. features: (N, K); observables: (N, T); groups: (N,)."""

    name: str
    features: Floats
    observables: Floats
    groups: tuple[str, ...]
    warning: str = ""
    spacing: Triple = (1.0, 1.0, 1.0)
    origin: Triple = (0.0, 0.0, 0.0)

    @property
    def channels(self) -> int:
        """K."""
        return self.features.shape[1]


class PopulationDataModule(BlockDataModule):
    """Tables of `cellml populate`, together.

    tables: CSV files or their folders; features, observables: columns; fold, folds: fold `fold` of `folds` of whole groups is for
    validation, by `folds_by_group`; None: all shapes train. Rows without all numbers are left out, and a warning counts them. Raises
    CellmlError for a fold that there is not, and what `read_simulated` refuses.
    """

    def __init__(
        self,
        tables: Sequence[str | Path],
        features: Sequence[str],
        observables: Sequence[str],
        fold: int | None = 0,
        folds: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__((1, 1, 1), 1, 1, "none", 0, seed)
        if folds < 2 or (fold is not None and not 0 <= fold < folds):
            raise CellmlError(f"data.fold must be one of 0 to {folds - 1}, or null to train on all shapes; it is {fold}.")
        if not tables:
            raise CellmlError("data.tables names no table; give one that `cellml populate` has written.")
        self.tables, self.features, self.observables = [Path(t) for t in tables], [str(f) for f in features], [str(o) for o in observables]
        self.fold, self.folds = fold, folds

    def setup(self, stage: str | None = None) -> None:
        """Read the tables and split them."""
        if self._train:
            return
        read = [read_simulated(table, self.features, self.observables) for table in self.tables]
        x = np.concatenate([np.stack([one.features[name] for name in self.features], axis=1) for one in read])
        y = np.concatenate([np.stack([one.observables[name] for name in self.observables], axis=1) for one in read])
        groups = np.array([group for one in read for group in one.groups])
        held = np.zeros(len(x), bool) if self.fold is None else np.asarray(folds_by_group(groups.tolist(), self.folds) == self.fold)
        left = sum(one.rows - len(one.names) for one in read)
        warning = f"{left} rows without all numbers were left out" if left else ""
        self._train = [PopulationBlock("population", x[~held], y[~held], tuple(groups[~held].tolist()), warning)]
        self._val = [PopulationBlock("held out", x[held], y[held], tuple(groups[held].tolist()))] if held.any() else []

    @property
    def training_blocks(self) -> list[PopulationBlock]:
        """The shapes to learn from, as one block."""
        return self._train

    @property
    def validation_blocks(self) -> list[PopulationBlock]:
        """The shapes of the held-out groups, as one block, or none."""
        return self._val

    def whole(self, block: PopulationBlock) -> dict[str, Any]:
        """All shapes of a block."""
        return {"image": torch.from_numpy(block.features), "labels": torch.from_numpy(block.observables)}
