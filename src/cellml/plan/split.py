"""Training and validation blocks with a band between them that belongs to neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

_VALIDATION = 0.25
_GUARD_NM = 150.0  # the reach of correlation between grey values of tissue, and about a membrane's detour
_FEWEST = 8  # positions of the cut axis that a block needs at least


@dataclass(frozen=True)
class Split:
    """train, val: [start, stop] along `axis` ("z", "y" or "x"); guard: voxels between them; missing: classes absent in one of them.

    shares: of each class (row of the projections) that lies in validation, None where there are no labels.
    """

    axis: str
    train: tuple[int, int]
    val: tuple[int, int]
    guard: int
    missing: tuple[int, ...] = ()
    shares: tuple[float, ...] = ()

    @property
    def sizes(self) -> tuple[int, int]:
        """Positions in training and validation."""
        return (self.train[1] - self.train[0], self.val[1] - self.val[0])


def choose_split(shape: Sequence[int], spacing: Sequence[float], projections: Sequence[NDArray[np.int64]], axes: str = "zyx") -> Split:
    """The cut across one axis, validation at its low or high end, that leaves every class in both blocks in like shares.

    A quarter goes to validation; the guard band is 150 nm wide, and at most a tenth of the axis. Across axes that fit, the longest (in
    voxels) is preferred, because blocks are then least cut. projections: voxels of each class (rows) at each position along z, y, x;
    axes: that may be cut, "yx" where only some sections are labelled. Raises CellmlError where no axis is long enough.
    """
    longest = max(shape)
    ranked: list[tuple[tuple[float, ...], Split]] = []
    for axis, name in enumerate("zyx"):
        if name not in axes:
            continue
        size = shape[axis]
        guard = max(1, min(int(np.ceil(_GUARD_NM / spacing[axis])), size // 10))
        val = round(_VALIDATION * (size - guard))
        if val < _FEWEST or size - guard - val < 2 * _FEWEST:
            continue
        for low in (False, True):
            block = (0, val) if low else (size - val, size)
            train = (val + guard, size) if low else (0, size - val - guard)
            split = _with_classes(Split(name, train, block, guard), projections[axis] if projections else None)
            imbalance = sum(abs(np.log((share + 0.01) / (_VALIDATION + 0.01))) for share in split.shares)
            ranked.append(((len(split.missing), round(float(imbalance), 1) - 1.5 * size / longest, low), split))
    if not ranked:
        raise CellmlError(
            f"The volume has {tuple(shape)} voxels (z, y, x): no axis has the {4 * _FEWEST} or so that training, guard band and validation "
            "need. Label a second volume for validation, and list both in data.train and data.val."
        )
    return min(ranked, key=lambda entry: entry[0])[1]


def _with_classes(split: Split, projection: NDArray[np.int64] | None) -> Split:
    if projection is None:
        return split
    train, val = (projection[:, slice(*part)].sum(axis=1) for part in (split.train, split.val))
    present = projection.sum(axis=1) > 0
    missing = tuple(int(k) for k in np.flatnonzero(present & ((train == 0) | (val == 0))))
    shares = tuple(float(v / (t + v)) for t, v, p in zip(train, val, present, strict=True) if p)
    return Split(split.axis, split.train, split.val, split.guard, missing, shares)
