"""Shapes of each trained model: whether a certified mesh is made of them, and how long molecules stay in it. Rows of generated.csv.

The surfaces of certified meshes are kept beside the fitted folds, for the comparison with real ones.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from models import KEPT, Trained, trained_models
from spines import TIMES, times_of

from cellml.errors import CellmlError
from cellml.io import read_surface, write_surface
from cellml.report.rows import append_row, read_rows
from cellml.shapes.certified import boundary_of, certified_shape
from cellml.shapes.spine_mesh import VOXELS
from cellml.types import Surface

TABLE = Path(__file__).parent / "generated.csv"
DRAWS, OTHER_SEED = 4, 1_000_003  # as `cellml generate` has them


def surface_file(model: str, fold: int, number: int) -> Path:
    """Where the surface of a certified shape is kept."""
    return KEPT / "surfaces" / f"{model}-{fold}-{number:03d}.ply"


def certified_surfaces(model: str, fold: int) -> list[Surface]:
    """The surfaces of a model's shapes that have a certified mesh, of a fold."""
    mine = [row for row in read_rows(TABLE) if (row["model"], row["fold"]) == (model, str(fold)) and row["certified"] == "True"]
    return [read_surface(surface_file(model, fold, int(row["number"]))) for row in mine]


def judge_generated(count: int = 60, part: int = 0, parts: int = 1) -> None:
    """Rows of the first `count` shapes that each model draws; one that is refused is drawn again, as `cellml generate` does, up to three
    times. Times where shapes lie in the frame of their base.
    """
    torch.set_num_threads(1)
    (KEPT / "surfaces").mkdir(parents=True, exist_ok=True)
    for model in trained_models():
        for draw in range(DRAWS):
            waiting = [n for n in _waiting(model, count, draw) if n % parts == part]
            surfaces = model.task.decode(model.task.sample(count, draw * OTHER_SEED)) if waiting else []
            for number in waiting:
                row = {"model": model.name, "fold": model.fold, "number": number, "draw": draw}
                append_row(TABLE, row | _judged(model, number, surfaces[number]))


def _waiting(model: Trained, count: int, draw: int) -> list[int]:
    """Numbers whose draws before this one were all refused, and that have no such draw yet."""
    mine = [row for row in read_rows(TABLE) if (row["model"], row["fold"]) == (model.name, str(model.fold))]
    refused = {(int(row["number"]), int(row["draw"])) for row in mine if row["certified"] == "False"}
    known = {(int(row["number"]), int(row["draw"])) for row in mine}
    return [n for n in range(count) if (n, draw) not in known and all((n, before) in refused for before in range(draw))]


def _judged(model: Trained, number: int, surface: Surface) -> dict[str, Any]:
    row: dict[str, Any] = {"certified": False, "reason": "", "tetrahedra": "", **dict.fromkeys(TIMES, "")}
    started = sum(os.times()[:4])
    try:
        made = certified_shape(surface, voxels=VOXELS, timeout_s=600.0)
        row |= {"certified": True, "tetrahedra": len(made.mesh.tets)}
        write_surface(boundary_of(made.mesh, f"{model.name} {number}"), surface_file(model.name, model.fold, number))
        row |= times_of(made.mesh) if model.based else {"reason": "the way in is not known: this model turns shapes about z"}
    except CellmlError as error:
        row["reason"] = str(error).splitlines()[0][:160]
    return row | {"cpu_s": round(sum(os.times()[:4]) - started, 2)}
