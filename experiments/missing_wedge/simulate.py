"""Physical answers in the shapes that are segmented before and after repair: how fast molecules spread, how a neurite conducts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from learned import checkpoints
from numpy.typing import NDArray
from segment import CLASSICAL, CONDITION, prediction, surroundings, truth, volumes

from cellml.evaluation.objects import ObjectChoice, compare_objects
from cellml.report.rows import append_row, read_rows
from cellml.sim.model_file import load_model
from cellml.sim.shipped import find_model
from cellml.types import Labels

TABLE = Path(__file__).parent / "answers.csv"
# Neurites that mesh and solve in seconds, drawn before any prediction is looked at.
CHOICE = ObjectChoice(min_voxels=12_000, max_voxels=45_000, most=4, seed=0)
OBSERVABLES = ("relaxation_time", "first_passage_time", "conductance")
METHODS = ("sirt_subsets", "wiener", "unet+tilts", "judged+tilts")


def main() -> None:
    """A row for each method, neurite and observable, after `segment`; neurites lost or not meshed have the relative error 1."""
    done = {r["method"] for r in read_rows(TABLE)}
    real, model = truth(), load_model(find_model("diffusion"))
    solved: dict[int, Any] = {}
    if "complete" not in done:
        answer("complete", surroundings().data, real, model, solved)
    others = {*CLASSICAL, *(f"{path.stem}+tilts" for path in checkpoints())}.difference(METHODS)
    for method, volume in volumes(CONDITION, done | others):
        if method in METHODS:
            answer(method, volume, real, model, solved)


def answer(method: str, volume: NDArray[np.float32], real: Labels, model: Any, solved: dict[int, Any]) -> None:
    """Segment, solve and write; solved: answers in the truth so far."""
    for compared in compare_objects(real, prediction(method, volume), model, choice=CHOICE, solved_truth=solved):
        for one in compared.rows:
            if one.observable in OBSERVABLES:
                error = round(one.rel_error, 5)
                row = {"method": method, "neurite": one.truth_id, "observable": one.observable, "status": one.status, "rel_error": error}
                append_row(TABLE, row)
