"""Organelles in the cells of a tissue, cell by cell, without any overlap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cellml.errors import CellmlError
from cellml.shapes.organelles.distribution import Distribution
from cellml.shapes.organelles.fill import Effort, Placed, fill
from cellml.shapes.organelles.host import host_of_labels
from cellml.shapes.synthetic.grid import Grid
from cellml.shapes.synthetic.tissue import Numbers
from cellml.types import Labels


@dataclass(frozen=True, eq=False)
class Contents:
    """placed: organelles of all cells, numbered in their order from 1; cells: the number of the cell of each; refused: (kind, reason) of
    those that found no place; crossing: facets that cross others, counted exactly, which `fill` never leaves.
    """

    placed: tuple[Placed, ...]
    cells: tuple[int, ...]
    refused: tuple[tuple[str, str], ...]
    crossing: int


def fill_cells(
    cells: Numbers,
    grid: Grid,
    kinds: Sequence[Distribution],
    gap_nm: float,
    rng: np.random.Generator,
    effort: Effort | None = None,
    tell: Callable[[str], None] = lambda said: None,
) -> Contents:
    """Fill each cell with the numbers that the distributions draw for its volume; `gap_nm`: least distance of surfaces.

    cells: (Z, Y, X) on `grid`, whose voxels should be no larger than the gap. A cell too narrow for what was drawn for it goes without,
    and that is noted. The same generator gives the same contents.
    """
    placed: list[Placed] = []
    homes: list[int] = []
    refused: list[tuple[str, str]] = []
    crossing = 0
    voxel = float(np.prod(grid.spacing))
    numbers, voxels = np.unique(cells[cells > 0], return_counts=True)
    for place, (number, volume) in enumerate(zip(numbers.tolist(), (voxels * voxel).tolist(), strict=True), 1):
        counts = {kind.name: kind.count.draw(volume, rng) for kind in kinds}
        seed = int(rng.integers(2**31))
        if not sum(counts.values()):
            continue
        tell(f"cell {place} of {len(numbers)}, {len(placed)} organelles so far")
        try:
            host = host_of_labels(Labels(cells, grid.spacing, grid.origin, name=f"cell {number}"), number)
            found = fill(host, kinds, counts, gap_nm=gap_nm, effort=effort, seed=seed)
        except CellmlError as reason:
            refused += [(name, str(reason)) for name, count in counts.items() for _ in range(count)]
            continue
        placed += found.placed
        homes += [number] * len(found.placed)
        refused += found.refused
        crossing += found.overlaps.count
    return Contents(tuple(placed), tuple(homes), tuple(refused), crossing)
