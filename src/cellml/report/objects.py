"""The table of simulated numbers: one row for each truth object and observable, and what can be said of all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import isfinite, nan
from pathlib import Path
from typing import Any

import numpy as np

from cellml.errors import FileError
from cellml.io.csv_table import read_csv

# Outcomes that say nothing of the prediction: there is no error to count.
NO_ERROR = ("undefined", "timed out")


@dataclass(frozen=True)
class ObjectRow:
    """One observable of one truth object, and its twin from the prediction.

    status: "matched", "unmatched" (no predicted object with IoU ≥ 0.5), "failed" (meshing or solving ended without an answer), "undefined"
    (the true shape itself has no such number) or "timed out" (meshing was given too little time to tell); truth, prediction,
    discretisation_error (what the meshes alone can be off by): values in `unit`; rel_error: |prediction − truth| / |truth|, 1 where
    unmatched or failed; resolved: whether the difference exceeds the discretisation error.
    """

    truth_id: str
    predicted_id: str
    iou: float
    voxels: float
    status: str
    observable: str
    unit: str
    truth: float
    prediction: float
    rel_error: float
    discretisation_error: float
    resolved: bool

    @property
    def outcome(self) -> str:
        """How the object fared: "resolved" or "not resolved" where matched, else "unmatched", "failed", "undefined" or "timed out"."""
        if self.status != "matched" or not isfinite(self.prediction) or not isfinite(self.truth):
            return self.status if self.status in ("unmatched", *NO_ERROR) else "failed"
        return "resolved" if self.resolved else "not resolved"

    @property
    def error(self) -> float:
        """The relative error that counts: 1 for whatever has no answer, never dropped; NaN only where the truth itself has none, or where
        nobody can tell because time ran out.
        """
        if self.outcome in NO_ERROR:
            return nan
        if self.outcome in ("unmatched", "failed"):
            return 1.0
        return self.rel_error if isfinite(self.rel_error) else 1.0


@dataclass(frozen=True)
class ObservableStatistics:
    """One observable over all truth objects: counts that add up to `objects`, and percentiles of the relative error.

    Percentiles are by linear interpolation, over all objects but the undefined and the timed out; NaN where nothing is left.
    """

    observable: str
    unit: str
    objects: int
    resolved: int
    not_resolved: int
    unmatched: int
    failed: int
    undefined: int
    timed_out: int
    median_error: float
    p90_error: float


def read_objects(path: Path) -> list[ObjectRow]:
    """Read `objects.csv`. Raises FileError where it cannot be read, and, naming the missing columns, if it is of another kind."""
    names, rows = read_csv(path, what="table of objects")
    missing = [f.name for f in fields(ObjectRow) if f.name not in names]
    if missing:
        raise FileError(f"{path} lacks the columns {', '.join(missing)}; it must have one row per truth object and observable.")
    return [_row(line) for line in rows]


def statistics(rows: Sequence[ObjectRow]) -> list[ObservableStatistics]:
    """One line per observable, in the order in which they first appear."""
    return [_statistics(name, [r for r in rows if r.observable == name]) for name in dict.fromkeys(r.observable for r in rows)]


def unit_of(rows: Sequence[ObjectRow]) -> str:
    """The unit of one observable's rows: of the first that has one, for a failed object may not know it."""
    return next((row.unit for row in rows if row.unit), "")


def _statistics(name: str, rows: Sequence[ObjectRow]) -> ObservableStatistics:
    outcomes = [row.outcome for row in rows]
    errors = np.array([row.error for row in rows if row.outcome not in NO_ERROR])
    return ObservableStatistics(
        observable=name,
        unit=unit_of(rows),
        objects=len(rows),
        resolved=outcomes.count("resolved"),
        not_resolved=outcomes.count("not resolved"),
        unmatched=outcomes.count("unmatched"),
        failed=outcomes.count("failed"),
        undefined=outcomes.count("undefined"),
        timed_out=outcomes.count("timed out"),
        median_error=float(np.median(errors)) if len(errors) else nan,
        p90_error=float(np.percentile(errors, 90)) if len(errors) else nan,
    )


def _row(line: dict[str, str]) -> ObjectRow:
    texts = ("truth_id", "predicted_id", "status", "observable", "unit")
    numbers = ("iou", "voxels", "truth", "prediction", "rel_error", "discretisation_error")
    values: dict[str, Any] = {key: line[key].strip() for key in texts}
    values |= {key: _float(line[key]) for key in numbers}
    return ObjectRow(**values, resolved=line["resolved"].strip().lower() in ("true", "1", "1.0", "yes"))


def _float(text: str) -> float:
    try:
        return float(text) if text else nan
    except ValueError:
        return nan
