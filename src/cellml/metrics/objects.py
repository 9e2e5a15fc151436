"""Which objects were found: average precision at thresholds of overlap, F1 and panoptic quality, from a contingency table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable

COCO_THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
_ROUNDING = 1e-12  # an overlap of exactly 3/5 must reach the threshold 0.6, which floats do not hold exactly


@dataclass(frozen=True)
class FoundObjects:
    """True positives, false positives and false negatives at one threshold of intersection over union.

    iou_sum: sum of the intersections over union of the matched pairs. Ratios are NaN where there is no object at all.
    """

    iou: float
    true_positives: int
    false_positives: int
    false_negatives: int
    iou_sum: float

    @property
    def average_precision(self) -> float:
        """TP / (TP + FP + FN): what "average precision" means where objects have no confidence (Data Science Bowl 2018, StarDist)."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives + self.false_negatives)

    @property
    def precision(self) -> float:
        """TP / (TP + FP)."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """TP / (TP + FN)."""
        return _ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN), also called recognition quality."""
        return _ratio(2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.false_negatives)

    @property
    def segmentation_quality(self) -> float:
        """Mean intersection over union of the matched pairs."""
        return _ratio(self.iou_sum, self.true_positives)

    @property
    def panoptic_quality(self) -> float:
        """Σ IoU / (TP + ½ FP + ½ FN), segmentation quality × F1 (Kirillov et al. 2019, arXiv:1801.00868)."""
        return _ratio(2 * self.iou_sum, 2 * self.true_positives + self.false_positives + self.false_negatives)


@dataclass(frozen=True, eq=False)
class MatchedObjects:
    """Pairs of a true and a predicted object whose intersection over union is at least one half, each object in one pair at most.

    truth, prediction: all labels > 0, sorted; pairs: (P, 2) int64, true and predicted label; iou: (P,) of each pair.
    """

    truth: NDArray[np.int64]
    prediction: NDArray[np.int64]
    pairs: NDArray[np.int64]
    iou: NDArray[np.float64]

    def at(self, threshold: float) -> FoundObjects:
        """Counts where a pair needs at least this intersection over union. Raises CellmlError below one half, where pairs are ambiguous."""
        if not 0.5 <= threshold <= 1.0:
            raise CellmlError(f"Thresholds of intersection over union lie between 0.5 and 1, where matches are unique; got {threshold:g}.")
        kept = self.iou >= threshold - _ROUNDING
        hits = int(kept.sum())
        return FoundObjects(threshold, hits, self.prediction.size - hits, self.truth.size - hits, float(self.iou[kept].sum()))

    @cached_property
    def mean_average_precision(self) -> float:
        """Mean of `FoundObjects.average_precision` over the thresholds 0.5, 0.55, … 0.95."""
        return float(np.mean([self.at(threshold).average_precision for threshold in COCO_THRESHOLDS]))

    def sweep(self, thresholds: Sequence[float] = COCO_THRESHOLDS) -> list[FoundObjects]:
        """`at` for each threshold."""
        return [self.at(threshold) for threshold in thresholds]


def matched_objects(table: ContingencyTable) -> MatchedObjects:
    """Match the objects of truth and prediction (labels > 0; 0 is background in both) by their intersection over union.

    IoU_ij = n_ij / (t_i + s_j − n_ij), sizes over all voxels of `table`. From one half upwards an object has one partner at most; only
    where two halves tie at exactly one half is there a choice, and the smaller label is taken.
    """
    truth, true_sizes = table.truth_sizes
    prediction, predicted_sizes = table.prediction_sizes
    both = (table.truth > 0) & (table.prediction > 0)
    t, p, overlap = table.truth[both], table.prediction[both], table.counts[both]
    union = true_sizes[np.searchsorted(truth, t)] + predicted_sizes[np.searchsorted(prediction, p)] - overlap
    iou = overlap / union
    order = np.flatnonzero(iou >= 0.5 - _ROUNDING)
    order = order[np.lexsort((p[order], t[order], -iou[order]))]
    kept = order[_first(t[order]) & _first(p[order])]
    kept = kept[np.argsort(t[kept])]
    return MatchedObjects(truth[truth > 0], prediction[prediction > 0], np.stack([t[kept], p[kept]], axis=1), iou[kept])


def _first(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """True where a label occurs for the first time."""
    first = np.zeros(labels.size, bool)
    first[np.unique(labels, return_index=True)[1]] = True
    return first


def _ratio(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator else float("nan")
