"""Contingency tables of the blocks that a region is cut into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from itertools import product
from operator import add

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.cremi import away_from_borders
from cellml.metrics.streams import Comparison, Slab
from cellml.types import Triple

Place = tuple[int, int, int]


def block_shape(block_nm: float | Sequence[float], spacing: Triple) -> tuple[int, int, int]:
    """Whole voxels (z, y, x), at least one, of a block whose edges are `block_nm` (one length for all axes, or three).

    Raises CellmlError unless the lengths are positive.
    """
    lengths = [float(block_nm)] * 3 if isinstance(block_nm, int | float) else [float(length) for length in block_nm]
    if len(lengths) != 3 or min(lengths) <= 0:
        raise CellmlError(f"block_nm={block_nm} must be one positive length in nm, or three (z, y, x).")
    z, y, x = (max(1, round(length / step)) for length, step in zip(lengths, spacing, strict=True))
    return (z, y, x)


def block_tables(
    comparison: Comparison, shape: Place | None = None, *, threshold: float | None = None, border_nm: float | None = None
) -> dict[Place, ContingencyTable]:
    """The table of each block of `shape` voxels, by its place in the grid (z, y, x); one table at (0, 0, 0) without a shape.

    threshold: where the prediction holds probabilities, its voxels of at least this much count as label 1 and the others as 0;
    border_nm: voxels no further than this from a border in their section of the truth are not counted. Blocks without a scored voxel are
    left out; the tables add up to the table of the region.
    """
    tables: dict[Place, ContingencyTable] = {}
    for slab in comparison.slabs(fractional=threshold is not None):
        if border_nm is not None:
            away = away_from_borders(slab.truth, comparison.spacing, border_nm)
            slab = replace(slab, mask=away if slab.mask is None else away & slab.mask)
        for place, table in _cut(slab, shape, threshold):
            if table.voxels:
                tables[place] = tables.get(place, ContingencyTable()) + table
    return dict(sorted(tables.items()))


def whole_table(tables: dict[Place, ContingencyTable]) -> ContingencyTable:
    """The table of all blocks together."""
    return reduce(add, tables.values(), ContingencyTable())


def _cut(slab: Slab, shape: Place | None, threshold: float | None) -> list[tuple[Place, ContingencyTable]]:
    prediction = slab.prediction if threshold is None else slab.prediction >= threshold
    if shape is None:
        return [((0, 0, 0), ContingencyTable.from_labels(slab.truth, prediction, slab.mask))]
    rows = (
        _pieces(slab.start, len(slab.truth), shape[0]),
        *(_pieces(0, size, step) for size, step in zip(slab.truth.shape[1:], shape[1:], strict=True)),
    )
    found = []
    for (i, z), (j, y), (k, x) in product(*rows):
        mask = None if slab.mask is None else slab.mask[z, y, x]
        found.append(((i, j, k), ContingencyTable.from_labels(slab.truth[z, y, x], prediction[z, y, x], mask)))
    return found


def _pieces(start: int, size: int, step: int) -> list[tuple[int, slice]]:
    """Number of the block and slice of the array for each block that [start, start + size) meets."""
    first, last = start // step, (start + size - 1) // step
    return [(n, slice(max(n * step - start, 0), min((n + 1) * step - start, size))) for n in range(first, last + 1)]
