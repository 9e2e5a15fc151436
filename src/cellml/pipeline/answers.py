"""Step 05: a model solved in every mesh."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError
from cellml.pipeline.meshes import Cell, mesh_path, outcomes, read_shapes
from cellml.pipeline.objects import Followed
from cellml.pipeline.recipe import SolveStep
from cellml.pipeline.segmentation import read_followed

log = logging.getLogger(__name__)

TABLE = "answers.csv"
REFERENCE_CELL = -1


@dataclass(frozen=True)
class Answer:
    """One observable in one mesh. image, segmentation, meshing: numbers of the draws, −1 for the reference segmentation; status: "ok",
    "absent" (no object at the point), "no mesh", "undefined" (the shape has no such number) or "failed"; value, discretisation_error: in
    `unit`, NaN without an answer.
    """

    object: str
    image: int
    segmentation: int
    meshing: int
    observable: str
    unit: str
    value: float
    discretisation_error: float
    voxels: int
    status: str
    reason: str = ""


def make_answers(folder: Path, segmentation: Path, meshes: Path, step: SolveStep, *, workers: int) -> Mapping[str, Any]:
    """`object_NAME.json` for each object, and `answers.csv` of all. Files that are there are kept. Returns how many answers there are.

    Ends that a model leaves to the program are chosen once, on the object's reference mesh or, where there is none, on the first of its
    samples that has one, unless the object names its own; they are looked for in every sample, so that all answer the same question.
    """
    asked_model(step)  # what is asked for in vain is said before anything is solved
    followed = read_followed(segmentation)
    waiting = [one for one in followed if not _file(folder, one).is_file()]
    for reason in outcomes(partial(_solver, meshes, step, folder), waiting, workers):
        if reason:
            raise CellmlError(f"Step {folder.name} came to nothing for an object: {reason}")
    answers = [answer for one in followed for answer in _read_object(_file(folder, one))]
    _write_table(folder / TABLE, answers)
    good = sum(answer.status == "ok" for answer in answers)
    return {"answers": good, "without": len(answers) - good}


def asked_model(step: SolveStep) -> Any:
    """The model with the observables that are asked, not followed in time where none of them is a time course.

    Raises CellmlError for an unknown observable, naming those of the model.
    """
    from cellml.sim.model_file import load_model
    from cellml.sim.observable_types import TYPES
    from cellml.sim.shipped import find_model

    model = load_model(find_model(step.model))
    known = {request.name: request for request in model.observables}
    missing = [name for name in step.observables if name not in known]
    if missing or not step.observables:
        raise CellmlError(f"solve.observables: {step.model} has no {', '.join(missing) or 'observable chosen'}; it has {', '.join(known)}.")
    chosen = tuple(known[name] for name in step.observables)
    if any(TYPES[request.type].course for request in chosen):
        return replace(model, observables=chosen)
    return replace(model, observables=chosen, time=None, steady=False)


def read_answers(folder: Path) -> list[Answer]:
    """The table that step 05 left."""
    whole = {"image", "segmentation", "meshing", "voxels"}
    numbers = {"value", "discretisation_error"}
    with (folder / TABLE).open(newline="", encoding="utf-8") as stream:
        return [
            Answer(**{k: int(v) if k in whole else float(v) if k in numbers else v for k, v in row.items()})  # type: ignore[arg-type]
            for row in csv.DictReader(stream)
        ]


def _file(folder: Path, one: Followed) -> Path:
    return folder / f"object_{one.name}.json"


def _read_object(path: Path) -> list[Answer]:
    rows = json.loads(path.read_text(encoding="utf-8"))
    nan = float("nan")
    return [Answer(**{**row, **{k: nan for k in ("value", "discretisation_error") if row[k] is None}}) for row in rows]


def _solver(meshes: Path, step: SolveStep, folder: Path) -> Callable[[Followed, int], int]:
    model = asked_model(step)

    def work(one: Followed, attempt: int) -> int:
        from cellml.io import write_json

        rows = _answers_of(meshes, one, model)
        write_json(_file(folder, one), [{k: None if v != v else v for k, v in asdict(row).items()} for row in rows])
        return len(rows)

    return work


def _answers_of(meshes: Path, one: Followed, model: Any) -> list[Answer]:
    """The reference first, whose ends the others are asked about."""
    from cellml.io import read_mesh
    from cellml.sim.ends import automatic_places

    shapes = read_shapes(meshes, one)
    tried: list[tuple[Path, tuple[int, int, int], Mapping[str, Any]]] = [
        (mesh_path(meshes, one, None), (REFERENCE_CELL,) * 3, shapes["reference"])
    ]
    for found in shapes["cells"]:
        cell = Cell(found["image"], found["segmentation"], found["meshing"])
        tried.append((mesh_path(meshes, one, cell), (cell.image, cell.segmentation, cell.meshing), found))
    meshed = next((path for path, _, shape in tried if not shape["reason"]), None)
    places = automatic_places(read_mesh(meshed)) if one.places is None and meshed is not None else one.places
    return [row for path, draws, shape in tried for row in _solved(path, one, draws, shape, model, places)]


def _solved(path: Path, one: Followed, draws: tuple[int, int, int], shape: Mapping[str, Any], model: Any, places: Any) -> list[Answer]:
    """An answer for each observable of one mesh; a failure is recorded, not raised."""
    from cellml.io import read_mesh
    from cellml.sim.solve import solve_model

    def none(status: str, reason: str) -> list[Answer]:
        nan = float("nan")
        return [Answer(one.name, *draws, r.name, "", nan, nan, shape["voxels"], status, reason) for r in model.observables]

    if shape["reason"]:
        return none("no mesh" if shape["voxels"] else "absent", shape["reason"])
    try:
        solution = solve_model(read_mesh(path), model, places=places)
    except CellmlError as error:
        return none("failed", str(error))
    except Exception as error:  # a defect met in one sample must neither hide nor take the others with it
        log.warning("%s: %s: %s", path, type(error).__name__, error)
        return none("failed", f"{type(error).__name__}: {error}")
    return [
        Answer(one.name, *draws, o.name, o.unit, o.value, o.discretisation_error, shape["voxels"], o.status, o.reason or "")
        if o.status == "ok" and isfinite(o.value)
        else none(o.status if o.status != "ok" else "failed", o.reason or "the answer is not finite")[k]
        for k, o in enumerate(solution.observables)
    ]


def _write_table(path: Path, answers: Sequence[Answer]) -> None:
    from cellml.io import atomic_path

    with atomic_path(path) as aside, aside.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=[f.name for f in fields(Answer)])
        writer.writeheader()
        writer.writerows(asdict(answer) for answer in answers)
