"""Prediction against truth, object by object: the same model solved in both shapes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cellml.errors import CellmlError
from cellml.evaluation.solved import SolvedObject, solve_mesh, solve_object
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.matching import Match, match_objects
from cellml.report.objects import ObjectRow
from cellml.types import Labels


@dataclass(frozen=True, eq=False)
class ObjectComparison:
    """One truth object: its match, both solved shapes, and a row for each observable."""

    match: Match
    truth: SolvedObject
    prediction: SolvedObject | None
    rows: list[ObjectRow] = field(default_factory=list)


@dataclass(frozen=True)
class ObjectChoice:
    """Which truth objects are compared: `most` of those with min_voxels to max_voxels, drawn with `seed`, whatever the prediction looks
    like. Raises CellmlError for sizes that hold nothing, and for less than one object.
    """

    min_voxels: int = 10_000
    max_voxels: int = 100_000
    most: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.min_voxels <= self.max_voxels or self.most < 1 or self.seed < 0:
            raise CellmlError(
                f"min_voxels={self.min_voxels}, max_voxels={self.max_voxels}, most={self.most} and seed={self.seed} choose no object: "
                "sizes must be 1 or more and rise, `most` must be 1 or more and the seed 0 or more."
            )

    def pick(self, truth: Labels) -> list[int]:
        """Labels of the chosen objects, sorted."""
        numbers, sizes = np.unique(truth.data, return_counts=True)
        fitting = numbers[(numbers > 0) & (sizes >= self.min_voxels) & (sizes <= self.max_voxels)]
        rng = np.random.default_rng(self.seed)
        return sorted(int(n) for n in rng.permutation(fitting)[: self.most])


def compare_objects(
    truth: Labels,
    prediction: Labels,
    model: Any,
    *,
    choice: ObjectChoice | None = None,
    iou: float = 0.5,
    seconds: float = math.inf,
    solved_truth: MutableMapping[int, SolvedObject] | None = None,
    on_object: Callable[[int, int], object] | None = None,
    predicted_mesh: Callable[[int], Any] | None = None,
) -> Iterator[ObjectComparison]:
    """Solve `model` in chosen truth objects and in the predicted objects that match them.

    truth, prediction: instance labels on one grid; an object matches the predicted one of maximal overlap with at least this iou; seconds:
    after this time no further object is begun, but the first always is; solved_truth: truth objects solved before, added to;
    on_object(number, of): called before each; predicted_mesh: predicted label → MeshResult, where tetrahedra were predicted and need not
    be made of labels. Unmatched truth objects and failures give rows of relative error 1, never none; where meshing
    ran out of time the row says so ("timed out", error NaN): that is the machine's doing, not the segmentation's. Ends are chosen on the
    truth and looked for in the prediction, so that both answer the same question.
    """
    begin, known = time.monotonic(), solved_truth if solved_truth is not None else {}
    table = ContingencyTable.from_labels(truth.data, prediction.data)
    matches, sizes = {m.truth: m for m in match_objects(table, iou)}, dict(zip(*(a.tolist() for a in table.truth_sizes), strict=True))
    picked = (choice or ObjectChoice()).pick(truth)
    for number, label in enumerate(picked, 1):
        if number > 1 and time.monotonic() - begin > seconds:
            return
        if on_object is not None:
            on_object(number, len(picked))
        if label not in known:
            known[label] = solve_object(truth, label, model)
        match, true = matches[label], known[label]
        answer = None
        if match.prediction is not None and true.solution is not None:
            places, number_there = true.solution.places, match.prediction
            if predicted_mesh is None:
                answer = solve_object(prediction, number_there, model, places=places)
            else:
                answer = solve_mesh(predicted_mesh(number_there), number_there, model, places=places)
        rows = [_row(match, sizes[label], true, answer, request) for request in model.observables]
        yield ObjectComparison(match, true, answer, rows)


def _row(match: Match, voxels: int, truth: SolvedObject, prediction: SolvedObject | None, request: Any) -> ObjectRow:
    t = truth.solution[request.name] if truth.solution is not None else None
    p = prediction.solution[request.name] if prediction is not None and prediction.solution is not None else None
    late = truth.timed_out or (prediction is not None and prediction.timed_out)
    status, error, resolution, resolved = "timed out" if late else _status(match, t, p), 1.0, math.nan, True
    if status == "matched":
        assert t is not None and p is not None
        resolution = t.discretisation_error + p.discretisation_error
        error = abs(p.value - t.value) / abs(t.value) if t.value else float(p.value != t.value)
        resolved = abs(p.value - t.value) > resolution
    elif status in ("undefined", "timed out"):
        error, resolved = math.nan, False
    return ObjectRow(
        truth_id=str(match.truth),
        predicted_id="" if match.prediction is None else str(match.prediction),
        iou=match.iou,
        voxels=float(voxels),
        status=status,
        observable=request.name,
        unit="" if t is None else t.unit,
        truth=math.nan if t is None else t.value,
        prediction=math.nan if p is None else p.value,
        rel_error=error,
        discretisation_error=resolution,
        resolved=resolved,
    )


def _status(match: Match, truth: Any, prediction: Any) -> str:
    if truth is None:
        return "failed"
    if truth.status != "ok":
        return truth.status  # type: ignore[no-any-return]
    if match.prediction is None:
        return "unmatched"
    return "matched" if prediction is not None and prediction.status == "ok" else "failed"
