"""The folder that a simulation leaves."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cellml.errors import FileError
from cellml.io import atomic_path, write_mesh
from cellml.sim.ends import Places
from cellml.sim.engine.courses import Course
from cellml.sim.observables import Observable
from cellml.sim.solve import Solution

OBSERVABLES, FIELDS, MODEL, PLACES, COURSES = "observables.csv", "solution.vtu", "model.yaml", "places.json", "courses.csv"
FILES = (OBSERVABLES, FIELDS, MODEL, PLACES, COURSES)


def require_free(folder: str | Path, *, overwrite: bool) -> None:
    """Raise FileError unless results may be written there: nothing, an empty folder, or, with overwrite, an older folder of results."""
    target = Path(folder)
    if not target.exists():
        return
    if not target.is_dir():
        raise FileError(f"{target} is a file; output is the folder of results.")
    present = {path.name for path in target.iterdir()}
    if present and not overwrite:
        raise FileError(f"{target} is not empty ({len(present)} files); choose another folder, or replace its results with overwrite=true.")
    foreign = sorted(present - set(FILES))
    if foreign:
        raise FileError(f"{target} holds more than results ({', '.join(foreign[:3])}), so it is not replaced; choose another folder.")


def write_results(solution: Solution, folder: str | Path, *, overwrite: bool = False) -> Path:
    """Write a solution as a folder that appears only when it is complete; returns the folder.

    observables.csv    name, value, unit, discretisation_error, status, reason
    solution.vtu       the mesh (nm) with its regions and all nodal fields
    places.json        where largest_cut and farthest_cut are, or why they are not
    courses.csv        time in s and every time course, with units, if the model is followed in time
    model.yaml         the model file, if it was read from one
    """
    require_free(folder, overwrite=overwrite)
    with atomic_path(folder) as aside:
        aside.mkdir()
        _write_observables(solution.observables, aside / OBSERVABLES)
        write_mesh(solution.mesh, aside / FIELDS, point_data=solution.fields)
        (aside / PLACES).write_text(json.dumps(_places(solution.places), indent=2) + "\n", encoding="utf-8")
        if solution.courses:
            _write_courses(solution.courses, aside / COURSES)
        if solution.model.path is not None:
            (aside / MODEL).write_bytes(solution.model.path.read_bytes())
    return Path(folder)


def _write_observables(observables: tuple[Observable, ...], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("name", "value", "unit", "discretisation_error", "status", "reason"))
        for o in observables:
            numbers = (repr(o.value), repr(o.discretisation_error)) if o.status == "ok" else ("", "")
            table.writerow((o.name, numbers[0], o.unit, numbers[1], o.status, o.reason))


def _write_courses(courses: Mapping[str, Course], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("time (s)", *(f"{course.name} ({course.unit})" for course in courses.values())))
        times = next(iter(courses.values())).times
        for number, time in enumerate(times):
            table.writerow((repr(float(time)), *(repr(float(course.values[number])) for course in courses.values())))


def _places(places: Places) -> dict[str, Any]:
    found = {n: {"plane": p.plane, "centroid_nm": list(p.centroid), "area_nm2": p.area} for n, p in places.found.items()}
    return {**found, **{name: {"missing": reason} for name, reason in places.missing.items()}}
