"""Class probabilities to classes at a chosen threshold, without debris."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.segmentation.neighbourhood import NEAREST, pair_slices
from cellml.segmentation.piece import Inner, Piece, no_links, piece_of_pairs


@dataclass(frozen=True)
class MostProbable:
    """The most probable class of each voxel, for models without a decoder, block by block."""

    whole_sections: ClassVar[bool] = False
    context: ClassVar[int] = 0
    least: ClassVar[int] = 0
    leading: ClassVar[int | None] = None

    def piece(self, probabilities: NDArray[Any], offsets: Sequence[Any], inner: Inner) -> Piece:
        """As `cellml.segmentation.piece.PiecewiseDecoder`; probabilities: (K, z, y, x), background first."""
        return _piece_of_classes(np.argmax(probabilities, axis=0)[inner])


@dataclass(frozen=True)
class ClassDecoder:
    """A voxel is foreground where 1 − p(background) ≥ threshold, and then has the most probable of the other classes.

    At threshold 0.5 and two classes this is the most probable class. Rare classes are found better at a lower one, which must be chosen on
    validation data. threshold: in (0, 1); smallest: connected pieces (6-neighbourhood, of one class) below so many voxels become
    background; fill: background holes within a section (4-neighbourhood) of at most so many pixels take the class around them.
    """

    whole_sections: ClassVar[bool] = False
    leading: ClassVar[int | None] = None

    threshold: float = 0.5
    smallest: int = 0
    fill: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise CellmlError(f"The decoder's threshold is {self.threshold}; a probability between 0 and 1 is needed.")
        if self.smallest < 0 or self.fill < 0:
            raise CellmlError(
                f"The decoder's smallest ({self.smallest}) and fill ({self.fill}) are counts of voxels and cannot be negative."
            )

    @property
    def context(self) -> int:
        """Voxels beyond a block that `piece` reads: the neighbours of its faces where pieces of a class are measured.

        Raises CellmlError with `fill`, for holes must be seen whole.
        """
        if self.fill:
            raise CellmlError(
                f"Holes are filled by looking at whole sections (fill={self.fill}), which blocks do not show: train or choose a decoder "
                "with fill=0, or use cellml infer."
            )
        return 1 if self.smallest > 1 else 0

    @property
    def least(self) -> int:
        """Voxels of the smallest piece of a class, where that counts."""
        return self.smallest if self.smallest > 1 else 0

    def piece(self, probabilities: NDArray[Any], offsets: Sequence[Any], inner: Inner) -> Piece:
        """As `cellml.segmentation.piece.PiecewiseDecoder`."""
        classes = self._classes(probabilities)
        if self.smallest <= 1:
            return _piece_of_classes(classes[inner])
        joined = np.zeros((3, *classes.shape), bool)
        for axis, offset in enumerate(NEAREST):
            here, there = pair_slices(classes.shape, offset)
            joined[axis][here] = (classes[here] > 0) & (classes[here] == classes[there])
        found = piece_of_pairs(classes > 0, joined, inner)
        return replace(found, values=_class_of_each(found.labels, classes[inner]))

    def __call__(self, probabilities: NDArray[Any], classes: Sequence[str] = ()) -> NDArray[np.uint8]:
        """probabilities: (K, Z, Y, X), background first, K ≥ 2 → classes (Z, Y, X)."""
        labels = self._classes(probabilities)
        if self.smallest:
            _drop_small(labels, self.smallest)
        if self.fill:
            for section in labels:
                _fill_holes(section, self.fill)
        return labels

    def _classes(self, probabilities: NDArray[Any]) -> NDArray[np.uint8]:
        foreground = np.asarray(probabilities[0]) <= 1 - self.threshold
        labels = (np.argmax(probabilities[1:], axis=0) + 1).astype(np.uint8)
        labels[~foreground] = 0
        return labels


def _piece_of_classes(classes: NDArray[Any]) -> Piece:
    """Classes as labels that stand for themselves and need no joining."""
    labels = classes.astype(np.uint32)
    return Piece(labels, no_links(labels.shape), np.arange(1, int(labels.max(initial=0)) + 1))


def _class_of_each(labels: NDArray[np.uint32], classes: NDArray[Any]) -> NDArray[np.int64]:
    from cellml.segmentation.labelling import measured

    return classes.reshape(-1)[measured(labels).first].astype(np.int64)


def _drop_small(labels: NDArray[np.uint8], smallest: int) -> None:
    from scipy.ndimage import label

    for number in np.unique(labels[labels > 0]):
        pieces, _ = label(labels == number)
        small = np.bincount(pieces.ravel()) < smallest
        small[0] = False
        labels[small[pieces]] = 0


def _fill_holes(section: NDArray[np.uint8], largest: int) -> None:
    """Give each small background piece that does not touch the border the most frequent class on its rim."""
    from scipy.ndimage import binary_dilation, find_objects, label

    holes, _ = label(section == 0)
    for number, place in enumerate(find_objects(holes), start=1):
        if any(s.start == 0 or s.stop == n for s, n in zip(place, section.shape, strict=True)):
            continue
        around = tuple(slice(s.start - 1, s.stop + 1) for s in place)
        hole = holes[around] == number
        if hole.sum() <= largest:
            rim = section[around][binary_dilation(hole) & ~hole]
            section[around][hole] = np.bincount(rim).argmax()
