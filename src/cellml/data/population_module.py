"""Simulated populations as training data for a surrogate: features in, observables out, split so that no group is on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cellml.data.row_module import RowDataModule
from cellml.errors import CellmlError
from cellml.populations.table import read_simulated


class PopulationDataModule(RowDataModule):
    """Tables of `cellml populate`, together.

    tables: CSV files or their folders; features, observables: columns; fold, folds: see `RowDataModule`. Rows without all numbers are left
    out, and a warning counts them. Raises CellmlError as that does, and what `read_simulated` refuses.
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
        super().__init__(fold, folds, seed=seed)
        if not tables:
            raise CellmlError("data.tables names no table; give one that `cellml populate` has written.")
        self.tables, self.features, self.observables = [Path(t) for t in tables], [str(f) for f in features], [str(o) for o in observables]

    def setup(self, stage: str | None = None) -> None:
        """Read the tables, once, and split them."""
        if self._train:
            return
        read = [read_simulated(table, self.features, self.observables) for table in self.tables]
        x = np.concatenate([np.stack([one.features[name] for name in self.features], axis=1) for one in read])
        y = np.concatenate([np.stack([one.observables[name] for name in self.observables], axis=1) for one in read])
        left = sum(one.rows - len(one.names) for one in read)
        warning = f"{left} rows without all numbers were left out" if left else ""
        self.split("population", x, y, [group for one in read for group in one.groups], warning)
