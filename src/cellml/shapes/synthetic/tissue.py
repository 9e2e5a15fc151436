"""Where the cells of a block come from: neurites drawn by formulas, or a segmentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.synthetic.grid import Grid

Numbers = NDArray[np.int32]


class Tissue(Protocol):
    """One drawn tissue; the same cells on any grid."""

    def cells(self, grid: Grid) -> Numbers:
        """The number of the cell at each voxel's centre, (Z, Y, X), 0 where there is none."""
        ...


class TissueSource(Protocol):
    """What tissues are drawn from."""

    def draw(self, box: Grid, rng: np.random.Generator) -> Tissue:
        """A tissue that covers a box."""
        ...


@dataclass(frozen=True)
class SegmentedTissue:
    """Windows of a dense segmentation: real cells, or cells that were generated. Its cells are numbered anew from 1, in their order.

    labels: a file, `FILE.npz:NAME`, or a data set's name; spacing_nm: (z, y, x) where the file does not say it.
    """

    labels: str
    spacing_nm: Sequence[float] | None = None

    def draw(self, box: Grid, rng: np.random.Generator) -> SegmentedWindow:
        """A window anywhere in the segmentation, mirrored at random. Raises CellmlError for a segmentation that is smaller than the box."""
        from cellml.data.references import resolve
        from cellml.io import read_labels

        found = read_labels(resolve(self.labels, "labels")[0], spacing_nm=self.spacing_nm)
        room = np.array(found.shape) * np.array(found.spacing) - box.extent
        if (room < 0).any():
            size = np.array(found.shape) * np.array(found.spacing)
            raise CellmlError(
                f"{self.labels} measures {size.round().tolist()} nm (z, y, x), less than the {box.extent.round().tolist()} nm of a "
                "block with its margins. Render smaller blocks, lower margin_nm, or give a larger segmentation."
            )
        flips = tuple(slice(None, None, int(sign)) for sign in rng.choice([-1, 1], 3))
        shift = rng.uniform(0, 1, 3) * room - (np.array(box.origin) - np.array(box.spacing) / 2)
        return SegmentedWindow(_renumbered(found.data)[flips], np.array(found.spacing), shift)


def _renumbered(labels: NDArray[np.integer]) -> Numbers:
    """Numbers from 1 on, 0 where there is none: those of large segmentations do not fit into 32 bits, and stand for rows of tables."""
    names, numbers = np.unique(labels, return_inverse=True)
    return np.asarray(numbers.reshape(labels.shape) + (0 if len(names) and names[0] == 0 else 1), np.int32)


@dataclass(frozen=True, eq=False)
class SegmentedWindow:
    """data: (Z, Y, X) numbers; spacing: (z, y, x) in nm; shift: from the block's frame to distances from the corner of the data, nm."""

    data: Numbers
    spacing: NDArray[np.float64]
    shift: NDArray[np.float64]

    def cells(self, grid: Grid) -> Numbers:
        """The nearest voxel's number."""
        index = [
            np.clip(np.floor((axis + d) / s).astype(int), 0, n - 1)
            for axis, d, s, n in zip(grid.axes(), self.shift, self.spacing, self.data.shape, strict=True)
        ]
        return np.asarray(self.data[np.ix_(*index)])
