"""What one look at every voxel of a label volume tells: sizes, connected components, contacts, and what is no label at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.data.connectivity import components


@dataclass
class LabelSurvey:
    """Statistics gathered over slabs, exact across their seams.

    voxels: all; bad: voxels that hold no label (fractional, negative, NaN or infinite) and first_bad the (z, y, x) and value of the
    first; labelled: voxels with a label other than 0; per_section: the same by section; sizes: voxels of each label, 0 left out; pieces:
    6-connected components of each label; piece_sizes: voxels of each of them, smallest first, of label 0 too; z_range: first and last
    section of each label; contacts: voxel faces between two different labels, 0 left out; thin: labelled voxels that have a 0 beside
    them in their section; cells: pieces of 0 in all sections, as long as there is a single label.
    """

    voxels: int = 0
    bad: int = 0
    first_bad: tuple[tuple[int, int, int], float] | None = None
    labelled: int = 0
    sizes: dict[int, int] = field(default_factory=dict)
    pieces: dict[int, int] = field(default_factory=dict)
    contacts: int = 0
    per_section: list[int] = field(default_factory=list)
    piece_sizes: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    z_range: dict[int, tuple[int, int]] = field(default_factory=dict)
    thin: int = 0
    cells: int = 0


@dataclass
class _Pieces:
    """Components of each slab, and which of them meet at the seams."""

    value: list[NDArray[np.int64]] = field(default_factory=list)
    size: list[NDArray[np.int64]] = field(default_factory=list)
    joins: list[NDArray[np.int64]] = field(default_factory=list)
    count: int = 0
    last: tuple[NDArray[np.int64], NDArray[Any]] | None = None

    def add(self, block: NDArray[Any], numbers: NDArray[np.int64], value: NDArray[np.int64], size: NDArray[np.int64]) -> None:
        numbers = numbers + (self.count - 1)  # components count from 1 in each slab, from 0 over all slabs
        if self.last is not None:
            same = self.last[1] == block[0]
            self.joins.append(np.unique(np.stack([self.last[0][same], numbers[0][same]], axis=1), axis=0))
        self.value.append(value[1:])
        self.size.append(size[1:])
        self.count += len(value) - 1
        self.last = (numbers[-1], block[-1])

    def sizes_by_label(self) -> dict[int, NDArray[np.int64]]:
        """Voxels of each component of each label, smallest first."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        if not self.value:
            return {}
        joins = np.concatenate(self.joins) if self.joins else np.zeros((0, 2), np.int64)
        graph = coo_array((np.ones(len(joins), np.int8), (joins[:, 0], joins[:, 1])), shape=(self.count, self.count))
        _, group = connected_components(graph, directed=False)
        voxels = np.bincount(group, weights=np.concatenate(self.size)).astype(np.int64)
        label = np.concatenate(self.value)[np.unique(group, return_index=True)[1]]
        order = np.lexsort((voxels, label))
        found, starts = np.unique(label[order], return_index=True)
        return dict(zip(found.tolist(), np.split(voxels[order], starts[1:]), strict=True))


def survey_labels(slabs: Iterable[tuple[int, NDArray[Any]]], *, objects: bool = True) -> LabelSurvey:
    """Look at every voxel once; slabs (1, z, y, x) as `cellml.data.slabs.slabs` gives them.

    Sizes, pieces and contacts stay empty where values are found that are no labels, and if not `objects` (a tenth of the work).
    """
    survey, pieces = LabelSurvey(), _Pieces()
    for start, whole in slabs:
        block = whole[0]
        survey.voxels += block.size
        counts = np.count_nonzero(block, axis=(1, 2))
        survey.per_section += counts.tolist()
        survey.labelled += int(counts.sum())
        _note_bad(survey, start, block)
        if objects and not survey.bad:
            _note_objects(survey, pieces, start, block.astype(np.int64))
    if objects and not survey.bad:
        survey.piece_sizes = pieces.sizes_by_label()
        survey.pieces = {label: len(sizes) for label, sizes in survey.piece_sizes.items() if label != 0}
    else:
        survey.sizes, survey.contacts, survey.z_range = {}, 0, {}
    return survey


def _note_objects(survey: LabelSurvey, pieces: _Pieces, start: int, block: NDArray[np.int64]) -> None:
    survey.contacts += _contacts(block) + (0 if pieces.last is None else _between(pieces.last[1], block[0]))
    numbers, value, size = components(block)
    labels, inverse = np.unique(value[1:], return_inverse=True)
    voxels = np.bincount(inverse, weights=size[1:]).astype(np.int64)
    for label, count in zip(labels.tolist(), voxels.tolist(), strict=True):
        if label != 0:
            survey.sizes[label] = survey.sizes.get(label, 0) + count
    survey.thin += _beside_zero(block)
    survey.cells += sum(_pieces_of_zero(section) for section in block) if len(survey.sizes) == 1 else 0
    for z, section in enumerate(block, start=start):
        for label in np.unique(section).tolist():
            survey.z_range[label] = (survey.z_range.get(label, (z, z))[0], z)
    pieces.add(block, numbers, value, size)


def _note_bad(survey: LabelSurvey, start: int, block: NDArray[Any]) -> None:
    if block.dtype.kind in "bu":
        return
    bad = block < 0
    if block.dtype.kind == "f":
        bad |= ~np.isfinite(block) | (block != np.round(block))
    if bad.any() and survey.first_bad is None:
        z, y, x = (int(i) for i in np.unravel_index(int(bad.argmax()), bad.shape))
        survey.first_bad = ((start + z, y, x), float(block[z, y, x]))
    survey.bad += int(bad.sum())


def _pieces_of_zero(section: NDArray[Any]) -> int:
    """4-connected pieces of 0, of nine pixels or more."""
    from scipy.ndimage import label

    return int(np.count_nonzero(np.bincount(label(section == 0)[0].ravel())[1:] >= 9))


def _beside_zero(block: NDArray[Any]) -> int:
    """Voxels above 0 with a neighbour of 0 in their section."""
    zero = block == 0
    beside = np.zeros(block.shape, bool)
    beside[:, 1:] |= zero[:, :-1]
    beside[:, :-1] |= zero[:, 1:]
    beside[:, :, 1:] |= zero[:, :, :-1]
    beside[:, :, :-1] |= zero[:, :, 1:]
    return int((beside & ~zero).sum())


def _between(a: NDArray[Any], b: NDArray[Any]) -> int:
    return int(((a != b) & (a != 0) & (b != 0)).sum())


def _contacts(block: NDArray[Any]) -> int:
    return _between(block[1:], block[:-1]) + _between(block[:, 1:], block[:, :-1]) + _between(block[:, :, 1:], block[:, :, :-1])
