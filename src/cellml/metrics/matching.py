"""Which predicted object stands for which true one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable


@dataclass(frozen=True)
class Match:
    """One true object and the predicted object that overlaps it most.

    truth, prediction: labels; prediction is None where nothing overlaps or the overlap is too small; iou: intersection over union with the
    most overlapping predicted object, accepted or not; overlap: its voxels within the true object.
    """

    truth: int
    prediction: int | None
    iou: float
    overlap: int


def match_objects(table: ContingencyTable, iou: float = 0.5) -> list[Match]:
    """One `Match` for every truth label > 0, sorted by label.

    The candidate is the predicted label > 0 with the largest overlap (the smaller label on a tie); it is accepted if its
    intersection over union, with all the voxels of both objects in `table`, is at least `iou`. From iou = 0.5 upwards, except for a tie
    at exactly 0.5, no predicted object is accepted twice. Raises CellmlError if `iou` is not in (0, 1].
    """
    if not 0.0 < iou <= 1.0:
        raise CellmlError(f"The threshold of intersection over union must be above 0 and at most 1, got {iou}.")
    truth_size = dict(zip(*(a.tolist() for a in table.truth_sizes), strict=True))
    predicted_size = dict(zip(*(a.tolist() for a in table.prediction_sizes), strict=True))
    best = _largest_overlaps(table)
    matches = []
    for label in (t for t in truth_size if t > 0):
        predicted, overlap = best.get(label, (0, 0))
        score = overlap / (truth_size[label] + predicted_size[predicted] - overlap) if overlap else 0.0
        matches.append(Match(label, predicted if overlap and score >= iou else None, score, overlap))
    return matches


def _largest_overlaps(table: ContingencyTable) -> dict[int, tuple[int, int]]:
    """Truth label > 0 → (predicted label > 0 of largest overlap, voxels)."""
    keep = (table.truth > 0) & (table.prediction > 0)
    truth, prediction, counts = table.truth[keep], table.prediction[keep], table.counts[keep]
    order = np.lexsort((prediction, -counts, truth))
    labels, first = np.unique(truth[order], return_index=True)
    rows = order[first]
    return {int(t): (int(prediction[r]), int(counts[r])) for t, r in zip(labels, rows, strict=True)}
