"""Shapes of each trained model: whether a certified mesh is made of them, and how long molecules stay in it. Rows of generated.csv."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from models import trained_models
from spines import TIMES, times_of

from cellml.errors import CellmlError
from cellml.report.rows import append_row, read_rows
from cellml.shapes.certified import certified_shape
from cellml.shapes.spine_mesh import VOXELS

TABLE = Path(__file__).parent / "generated.csv"


def judge_generated(count: int = 60, part: int = 0, parts: int = 1) -> None:
    """Rows of the first `count` shapes that each model draws; the time where its shapes lie in the frame of their base."""
    torch.set_num_threads(1)
    done = {(row["model"], row["fold"], row["number"]) for row in read_rows(TABLE)}
    for model in trained_models():
        waiting = [n for n in range(count) if (model.name, str(model.fold), str(n)) not in done and n % parts == part]
        surfaces = model.task.decode(model.task.sample(count, 0)) if waiting else []
        for number in waiting:
            row: dict[str, Any] = {"model": model.name, "fold": model.fold, "number": number, "certified": False, "reason": ""}
            row |= dict.fromkeys(("tetrahedra", "cpu_s", *TIMES), "")
            started = sum(os.times()[:4])
            try:
                made = certified_shape(surfaces[number], voxels=VOXELS, timeout_s=600.0)
                row |= {"certified": True, "tetrahedra": len(made.mesh.tets)}
                row |= times_of(made.mesh) if model.based else {"reason": "the way in is not known: this model turns shapes about z"}
            except CellmlError as error:
                row["reason"] = str(error).splitlines()[0][:160]
            append_row(TABLE, row | {"cpu_s": round(sum(os.times()[:4]) - started, 2)})
