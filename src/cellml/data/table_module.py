"""A CSV table as training data: descriptors in, observables out, split by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellml.data.row_module import RowDataModule
from cellml.data.table import read_columns, read_words
from cellml.interpret.hierarchy_files import read_hierarchy


class TableDataModule(RowDataModule):
    """A CSV table of descriptors and observables.

    path: a header, then one row for each shape; hierarchy: as `read_hierarchy` takes it, for the columns of descriptors; outputs: columns
    to predict; group: a column that names what must not be split, or None for rows each of its own; fold, folds, batch_size: see
    `RowDataModule`. Raises CellmlError as that does, and what `read_columns` refuses.
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
        super().__init__(fold, folds, batch_size, num_workers, seed)
        self.path, self.outputs, self.group = Path(path), [str(o) for o in outputs], group
        self.descriptors = list(read_hierarchy(hierarchy).descriptors)

    def setup(self, stage: str | None = None) -> None:
        """Read the table, once, and split it."""
        if self._train:
            return
        x, y = read_columns(self.path, self.descriptors), read_columns(self.path, self.outputs)
        groups = read_words(self.path, self.group) if self.group else [str(n) for n in range(len(x))]
        self.split(self.path.stem, x, y, groups)
