"""Class probabilities to classes at a chosen threshold, without debris."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError


@dataclass(frozen=True)
class ClassDecoder:
    """A voxel is foreground where 1 − p(background) ≥ threshold, and then has the most probable of the other classes.

    At threshold 0.5 and two classes this is the most probable class. Rare classes are found better at a lower one, which must be chosen on
    validation data. threshold: in (0, 1); smallest: connected pieces (6-neighbourhood, of one class) below so many voxels become
    background; fill: background holes within a section (4-neighbourhood) of at most so many pixels take the class around them.
    """

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

    def __call__(self, probabilities: NDArray[Any], classes: Sequence[str] = ()) -> NDArray[np.uint8]:
        """probabilities: (K, Z, Y, X), background first, K ≥ 2 → classes (Z, Y, X)."""
        foreground = np.asarray(probabilities[0]) <= 1 - self.threshold
        labels = (np.argmax(probabilities[1:], axis=0) + 1).astype(np.uint8)
        labels[~foreground] = 0
        if self.smallest:
            _drop_small(labels, self.smallest)
        if self.fill:
            for section in labels:
                _fill_holes(section, self.fill)
        return labels


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
