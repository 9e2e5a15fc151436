"""Scores of a semantic segmentation, from its confusion counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable


@dataclass(frozen=True)
class ClassScores:
    """Dice, IoU, precision and recall of one class, 0 to 1, and its voxels in truth and prediction.

    A ratio without any voxel in its denominator (a class that occurs nowhere) is NaN, so that it can be told from a failure.
    """

    dice: float
    iou: float
    precision: float
    recall: float
    truth_voxels: int
    prediction_voxels: int


@dataclass(frozen=True, eq=False)
class ConfusionCounts:
    """Counts of voxels by true class (rows) and predicted class (columns).

    matrix: (C, C) int64; class 0 is background. Blocks add up with `+`; metrics are ratios of sums, never means of patches.
    """

    matrix: NDArray[np.int64]

    @classmethod
    def zeros(cls, classes: int) -> ConfusionCounts:
        """No voxel counted yet, for classes 0 … classes − 1."""
        return cls(np.zeros((classes, classes), np.int64))

    @classmethod
    def from_labels(cls, truth: NDArray[Any], prediction: NDArray[Any], classes: int, mask: NDArray[Any] | None = None) -> ConfusionCounts:
        """Count two arrays of class numbers of one shape, where `mask` (same shape) is true.

        Raises CellmlError where shapes disagree, numbers are not integers, or a class is outside 0 … classes − 1.
        """
        return cls.from_table(ContingencyTable.from_labels(truth, prediction, mask), classes)

    @classmethod
    def from_table(cls, table: ContingencyTable, classes: int | None = None) -> ConfusionCounts:
        """From a contingency table whose labels are class numbers; `classes` defaults to the largest label + 1."""
        largest = int(max(table.truth.max(initial=0), table.prediction.max(initial=0)))
        smallest = int(min(table.truth.min(initial=0), table.prediction.min(initial=0)))
        classes = largest + 1 if classes is None else classes
        if largest >= classes or smallest < 0:
            wrong = smallest if smallest < 0 else largest
            raise CellmlError(
                f"A voxel has class {wrong}, but the classes are 0 to {classes - 1}; check the class list or mask such voxels."
            )
        matrix = np.zeros((classes, classes), np.int64)
        matrix[table.truth, table.prediction] = table.counts
        return cls(matrix)

    def update(self, truth: NDArray[Any], prediction: NDArray[Any], mask: NDArray[Any] | None = None) -> ConfusionCounts:
        """These counts with one more block; arguments as in `from_labels`."""
        return self + ConfusionCounts.from_labels(truth, prediction, len(self.matrix), mask)

    def __add__(self, other: ConfusionCounts) -> ConfusionCounts:
        if self.matrix.shape != other.matrix.shape:
            raise CellmlError(f"Confusion counts of {len(self.matrix)} and of {len(other.matrix)} classes cannot be added.")
        return ConfusionCounts(self.matrix + other.matrix)

    def scores(self) -> list[ClassScores]:
        """One `ClassScores` for each class, background first.

        With TP, FP, FN of a class: Dice = 2TP/(2TP + FP + FN), IoU = TP/(TP + FP + FN), precision = TP/(TP + FP), recall = TP/(TP + FN).
        """
        hit = np.diag(self.matrix)
        true, predicted = self.matrix.sum(axis=1), self.matrix.sum(axis=0)
        return [
            ClassScores(
                dice=_ratio(2 * tp, t + p),
                iou=_ratio(tp, t + p - tp),
                precision=_ratio(tp, p),
                recall=_ratio(tp, t),
                truth_voxels=int(t),
                prediction_voxels=int(p),
            )
            for tp, t, p in zip(hit, true, predicted, strict=True)
        ]

    def mean_dice(self) -> float:
        """Mean Dice of the classes above 0 that occur in truth or prediction; NaN if none does."""
        values = np.array([s.dice for s in self.scores()[1:]])
        return float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else float("nan")

    def mean_iou(self) -> float:
        """Mean IoU of the classes above 0 that occur in truth or prediction; NaN if none does."""
        values = np.array([s.iou for s in self.scores()[1:]])
        return float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else float("nan")


def _ratio(numerator: int, denominator: int) -> float:
    return float(numerator / denominator) if denominator else float("nan")
