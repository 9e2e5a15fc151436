"""Scores of a volume from the overlaps counted in its blocks: those of `cellml score`, whatever the blocks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

from cellml.blocks.grid import Grid
from cellml.blocks.manifest import Manifest
from cellml.metrics.contingency import ContingencyTable


@dataclass(frozen=True)
class Scoring:
    """How often labels of prediction and truth meet in each block. prediction, truth, mask: files or addresses, mask may be None."""

    prediction: str
    truth: str
    mask: str | None
    grid: Grid
    manifest: Manifest

    def prepare(self) -> Callable[[int, int], int]:
        """What a worker calls with the number of a block; returns how many voxels were counted."""
        from cellml.metrics.blocks import block_tables, whole_table
        from cellml.metrics.streams import open_comparison

        stack = ExitStack()  # open for the life of the worker
        comparison = open_comparison(stack, self.prediction, self.truth, self.mask)

        def work(job: int, attempt: int) -> int:
            _ = stack
            table = whole_table(block_tables(replace(comparison, part=self.grid.region(job))))
            self.manifest.commit_arrays(job, {"truth": table.truth, "prediction": table.prediction, "counts": table.counts})
            return table.voxels

        return work

    def result(self) -> dict[str, Any]:
        """The scores, as `cellml.metrics.command.score_files` returns them. Raises CellmlError if no voxel has truth > 0."""
        from cellml.metrics.command import framed, without_nan
        from cellml.metrics.request import Request
        from cellml.metrics.results import results_of_tables
        from cellml.metrics.streams import open_comparison

        tables = (ContingencyTable(**self.manifest.read(number)) for number in range(len(self.grid)))
        with ExitStack() as stack:
            comparison = open_comparison(stack, self.prediction, self.truth, self.mask)
            whole = reduce(add, tables, ContingencyTable())
            found = without_nan(framed(comparison, results_of_tables(comparison, Request(), {(0, 0, 0): whole})))
        return dict(found)
