"""Average precision of objects that carry a confidence, as COCO defines it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cellml.errors import CellmlError, FileError
from cellml.io.csv_table import read_csv
from cellml.metrics.objects import COCO_THRESHOLDS, MatchedObjects

_RECALLS = np.linspace(0.0, 1.0, 101)


def average_precision(matched: MatchedObjects, confidences: Mapping[int, float], threshold: float) -> float:
    """Area under precision over recall of predicted objects in the order of confidence, 0 to 1; NaN without true objects.

    Going from the most confident object down, precision = hits / objects so far and recall = hits / true objects; precision is made
    non-increasing from the right and read at the recalls 0, 0.01, … 1 (COCO: Lin et al. 2014, arXiv:1405.0312). A hit has an intersection
    over union of at least `threshold` with a true object. Objects of equal confidence keep the order of their labels. Raises CellmlError if
    a predicted object has no confidence.
    """
    missing = [int(label) for label in matched.prediction if int(label) not in confidences]
    if missing:
        raise CellmlError(f"{len(missing)} of {matched.prediction.size} predicted objects have no confidence, label {missing[0]} for one.")
    if not matched.truth.size:
        return float("nan")
    found = matched.pairs[matched.iou >= threshold - 1e-12, 1]
    order = np.argsort([-confidences[int(label)] for label in matched.prediction], kind="stable")
    hits = np.cumsum(np.isin(matched.prediction[order], found))
    recall = hits / matched.truth.size
    precision = np.maximum.accumulate((hits / np.arange(1, hits.size + 1))[::-1])[::-1]
    place = np.searchsorted(recall, _RECALLS - 1e-12)
    return float(np.append(precision, 0.0)[place].mean())


def mean_average_precision(matched: MatchedObjects, confidences: Mapping[int, float]) -> float:
    """Mean of `average_precision` over the thresholds 0.5, 0.55, … 0.95."""
    return float(np.mean([average_precision(matched, confidences, threshold) for threshold in COCO_THRESHOLDS]))


def read_confidences(path: str | Path) -> dict[int, float]:
    """Label → confidence from a CSV file with the columns `label` and `confidence`.

    Raises FileError for a missing file, missing columns and cells that are not numbers, naming the line.
    """
    columns, rows = read_csv(path, what="table of confidences")
    if not {"label", "confidence"} <= set(columns):
        raise FileError(f"{path} has the columns {', '.join(columns or ('none',))}; it needs label and confidence.")
    found: dict[int, float] = {}
    for number, row in enumerate(rows, 1):
        try:
            found[int(row["label"])] = float(row["confidence"])
        except ValueError:
            raise FileError(f"{path}, row {number}: {row['label']!r}, {row['confidence']!r} are no label and confidence.") from None
    return found
