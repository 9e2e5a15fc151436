"""Neurites whose true shape is known: the questions that a pipeline is asked, and the true answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cellml.data.blocks import Block, OpenBlock
from cellml.pipeline.answers import asked_model
from cellml.pipeline.geometry import deepest_point, object_at, quick_mesh
from cellml.pipeline.objects import Followed
from cellml.pipeline.recipe import SolveStep
from cellml.report.rows import append_row, read_rows
from cellml.types import Labels

OBSERVABLE = "first_passage_time"
SIZES = (3_000, 100_000)  # voxels in the half block
TRUE_TETRAHEDRA = 10_000  # wanted; about twice as many are made
# The block that the network was not trained on, in two halves with a gap of ten sections: one calibrates, the other is judged.
HALVES = {"calibration": {"x": [168, 250], "y": [0, 120]}, "test": {"x": [168, 250], "y": [130, 250]}}


@dataclass(frozen=True)
class Question:
    """One neurite: its point and end, and the answer of its true shape in s."""

    followed: Followed
    voxels: int
    truth: float


def questions(half: str, folder: Path) -> list[Question]:
    """All neurites of SIZES that leave the half block; written to FOLDER/HALF.json as a pipeline reads them, a row each to
    HALF_truth.csv.
    """
    table, rows = folder / f"{half}.json", folder / f"{half}_truth.csv"
    if not table.is_file():
        from cellml.io import write_json

        done = {row["neurite"] for row in read_rows(rows)}
        labels = true_labels(half)
        ask = _asked(half, labels)
        for number in [n for n in _numbers(labels) if str(n) not in done]:
            append_row(rows, ask(number))
        found = [_followed(row) for row in read_rows(rows) if row["truth"]]
        write_json(table, [one.as_dict() for one in found])
    from cellml.pipeline.objects import read_objects_table

    known = {row["neurite"]: row for row in read_rows(rows)}
    asked = read_objects_table(table)
    return [Question(one, int(known[one.name]["voxels"]), float(known[one.name]["truth"])) for one in asked]


def true_labels(half: str) -> Labels:
    """Neurites of a half block, in the frame of the image that a pipeline reads."""
    block = OpenBlock(Block("fib25_train2", region={axis: tuple(ends) for axis, ends in HALVES[half].items()}))
    return Labels(block.read_labels(), block.spacing, block.origin, name=f"truth of the {half} half")


def _numbers(labels: Labels) -> list[int]:
    numbers, sizes = np.unique(labels.data, return_counts=True)
    return [int(n) for n, size in zip(numbers, sizes, strict=True) if n > 0 and SIZES[0] <= size <= SIZES[1]]


def _asked(half: str, labels: Labels) -> Callable[[int], dict[str, Any]]:
    """Number of a neurite → a row; the truth is empty where it leaves the block nowhere: there is no end to be reached."""
    from cellml.sim.ends import automatic_places
    from cellml.sim.solve import solve_model

    model = asked_model(SolveStep(observables=[OBSERVABLE]))

    def ask(number: int) -> dict[str, Any]:
        point = deepest_point(labels, number)
        mask = object_at(labels, point)
        mesh = quick_mesh(mask, labels, tetrahedra=TRUE_TETRAHEDRA, name=str(number))
        places = automatic_places(mesh)
        there = "largest_cut" in places.found
        truth = float(solve_model(mesh, model, places=places)[OBSERVABLE].value) if there else ""
        asked = Followed(str(number), point, places).as_dict()
        return {"half": half, "neurite": number, "voxels": int(mask.sum()), "truth": truth, "question": json.dumps(asked)}

    return ask


def _followed(row: dict[str, str]) -> Followed:
    from cellml.pipeline.objects import followed_of

    return followed_of(json.loads(row["question"]))
