"""The simulated answers of neurites: in the true shape, and in what a segmentation makes of it, by one mesher and one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import isfinite, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tissue import mended

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.matching import match_objects
from cellml.pipeline.answers import asked_model
from cellml.pipeline.geometry import deepest_point, object_at, quick_mesh
from cellml.pipeline.recipe import SolveStep
from cellml.types import Labels

OBSERVABLES = ("first_passage_time", "relaxation_time", "conductance")
SIZES = (3_000, 30_000)  # voxels in the part
TETRAHEDRA = 2_000  # wanted of a mesh; several times as many are made of a thin one
JUDGES = ("automatic", "mended")

Mask = NDArray[np.bool_]
Known = dict[tuple[int, bytes], Mapping[str, float]]  # (neurite, its voxels in a segmentation) → values


@dataclass(frozen=True)
class Question:
    """A neurite that leaves the part: its ends, and what the model says of the true shape (NaN where that has no such number)."""

    neurite: int
    voxels: int
    places: Any
    truth: Mapping[str, float]


@dataclass(frozen=True)
class Answered:
    """What a segmentation makes of a neurite. pieces: how many were joined; values: NaN where there is none; status: ok,
    unmatched or failed.
    """

    neurite: int
    judge: str
    dice: float
    pieces: int
    status: str
    values: Mapping[str, float]

    def row(self, question: Question) -> dict[str, Any]:
        """As it stands in a table, with the true values beside it."""
        row: dict[str, Any] = {"neurite": self.neurite, "judge": self.judge, "dice": round(self.dice, 4), "pieces": self.pieces}
        row["status"] = self.status
        for name in OBSERVABLES:
            row |= {name: f"{self.values[name]:.6g}", f"true_{name}": f"{question.truth[name]:.6g}"}
        return row


def questions(truth: Labels, every: int = 1) -> list[Question]:
    """Neurites of SIZES that leave the part, all of them or every second, …: whatever a prediction makes of them."""
    asked = [_question(truth, number) for number in fitting(truth)[::every]]
    return [one for one in asked if one is not None]


def fitting(truth: Labels) -> list[int]:
    """Numbers of the neurites of SIZES."""
    numbers, sizes = np.unique(truth.data, return_counts=True)
    return [int(n) for n, size in zip(numbers, sizes, strict=True) if n > 0 and SIZES[0] <= size <= SIZES[1]]


def _question(truth: Labels, number: int) -> Question | None:
    from cellml.sim.ends import automatic_places

    mask = object_at(truth, deepest_point(truth, number))
    mesh = quick_mesh(mask, truth, tetrahedra=TETRAHEDRA, name=str(number))
    places = automatic_places(mesh)
    if "largest_cut" not in places.found:
        return None
    return Question(number, int(mask.sum()), places, solved(mesh, places))


def solved(mesh: Any, places: Any) -> dict[str, float]:
    """The model's answers in a mesh whose ends are asked for at places; NaN for those it does not have."""
    from cellml.sim.solve import solve_model

    try:
        solution = solve_model(mesh, asked_model(SolveStep(observables=list(OBSERVABLES))), places=places)
    except CellmlError:
        return dict.fromkeys(OBSERVABLES, nan)
    found = {name: solution[name] for name in OBSERVABLES}
    return {name: float(one.value) if one.status == "ok" and isfinite(one.value) else nan for name, one in found.items()}


def remeshed(truth: Labels, asked: Sequence[Question], coarser: float = 1.25) -> list[Answered]:
    """The true shapes in meshes of another step: what the judge itself does not know."""
    masks = {q.neurite: object_at(truth, deepest_point(truth, q.neurite)) for q in asked}
    return [_answered(q, "remeshed", masks[q.neurite], truth, 1.0, 1, coarser) for q in asked]


def automatic_answers(truth: Labels, labels: NDArray[Any], asked: Sequence[Question], known: Known | None = None) -> list[Answered]:
    """Of the segmentation as it is: the object that overlaps a neurite most stands for it, with an IoU of at least a half, or nothing.

    known: answers of shapes so far, added to: a neurite whose shape is the same for both judges is solved once.
    """
    table = ContingencyTable.from_labels(truth.data, labels)
    matches, found = {m.truth: m for m in match_objects(table)}, []
    for one in asked:
        match = matches[one.neurite]
        mask = None if match.prediction is None else np.asarray(labels == match.prediction)
        found.append(_answered(one, "automatic", mask, truth, 2 * match.iou / (1 + match.iou), int(mask is not None), known=known))
    return found


def mended_answers(truth: Labels, labels: NDArray[Any], asked: Sequence[Question], known: Known | None = None) -> list[Answered]:
    """Of the segmentation after a person has joined up to five pieces of each neurite; see `tissue.mended`, and `automatic_answers`."""
    pieces, found = mended(ContingencyTable.from_labels(truth.data, labels)), []
    for one in asked:
        mine = pieces[one.neurite]
        mask = np.isin(labels, mine.pieces) if mine.pieces else None
        found.append(_answered(one, "mended", mask, truth, mine.dice, len(mine.pieces), known=known))
    return found


def _answered(
    one: Question,
    judge: str,
    mask: Mask | None,
    frame: Labels,
    dice: float,
    pieces: int,
    coarser: float = 1.0,
    known: Known | None = None,
) -> Answered:
    """Mesh and solve; the largest piece of the mesh counts. A defect in one neurite must not take the others with it."""
    if mask is None:
        return Answered(one.neurite, judge, dice, pieces, "unmatched", dict.fromkeys(OBSERVABLES, nan))
    key, before = (one.neurite, sha256(mask).digest()), known if known is not None else {}
    if key not in before:
        try:
            before[key] = solved(quick_mesh(mask, frame, tetrahedra=TETRAHEDRA, coarser=coarser, name=str(one.neurite)), one.places)
        except CellmlError:
            before[key] = dict.fromkeys(OBSERVABLES, nan)
    return Answered(one.neurite, judge, dice, pieces, "ok" if isfinite(before[key]["first_passage_time"]) else "failed", before[key])
