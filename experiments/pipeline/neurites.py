"""Neurites whose true shape is known: the questions that a pipeline is asked, and the true answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cellml.data.blocks import Block, OpenBlock
from cellml.pipeline.answers import asked_model
from cellml.pipeline.geometry import deepest_point, object_at, quick_mesh
from cellml.pipeline.objects import Followed
from cellml.pipeline.recipe import SolveStep
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
    """All neurites of SIZES that leave the half block; written to FOLDER/HALF.json as a pipeline reads them, true answers beside them."""
    table, answers = folder / f"{half}.json", folder / f"{half}_truth.json"
    if not answers.is_file():
        from cellml.io import write_json

        found = [q for q in map(_asked(half), _numbers(half)) if q is not None]
        write_json(table, [q.followed.as_dict() for q in found])
        write_json(answers, {q.followed.name: {"voxels": q.voxels, "truth": q.truth} for q in found})
    from cellml.pipeline.objects import read_objects_table

    known = json.loads(answers.read_text(encoding="utf-8"))
    return [Question(one, known[one.name]["voxels"], known[one.name]["truth"]) for one in read_objects_table(table)]


def true_labels(half: str) -> Labels:
    """Neurites of a half block, in the frame of the image that a pipeline reads."""
    block = OpenBlock(Block("fib25_train2", region={axis: tuple(ends) for axis, ends in HALVES[half].items()}))
    return Labels(block.read_labels(), block.spacing, block.origin, name=f"truth of the {half} half")


def _numbers(half: str) -> list[int]:
    numbers, sizes = np.unique(true_labels(half).data, return_counts=True)
    return [int(n) for n, size in zip(numbers, sizes, strict=True) if n > 0 and SIZES[0] <= size <= SIZES[1]]


def _asked(half: str) -> Any:
    """Number of a neurite → its Question, None where it leaves the block nowhere: there is no end to be reached."""
    from cellml.sim.ends import automatic_places
    from cellml.sim.solve import solve_model

    labels, model = true_labels(half), asked_model(SolveStep(observables=[OBSERVABLE]))

    def ask(number: int) -> Question | None:
        point = deepest_point(labels, number)
        mask = object_at(labels, point)
        mesh = quick_mesh(mask, labels, tetrahedra=TRUE_TETRAHEDRA, name=str(number))
        places = automatic_places(mesh)
        if "largest_cut" not in places.found:
            return None
        solution = solve_model(mesh, model, places=places)
        value = float(solution[OBSERVABLE].value)
        print(f"{half}: neurite {number}, {int(mask.sum())} voxels, {value:.4g} s", flush=True)
        return Question(Followed(str(number), point, places), int(mask.sum()), value)

    return ask
