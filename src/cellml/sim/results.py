"""The folder that a simulation leaves."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cellml.errors import FileError
from cellml.io import atomic_path, write_mesh
from cellml.sim.course_names import shown_courses
from cellml.sim.ends import Places
from cellml.sim.engine.courses import Course
from cellml.sim.observables import Observable
from cellml.sim.output.courses_figure import COURSES as COURSES_PICTURE
from cellml.sim.output.courses_figure import draw_courses
from cellml.sim.output.species_figure import FIELDS as FIELDS_PICTURE
from cellml.sim.output.species_figure import MOVIE, draw_fields, draw_movie
from cellml.sim.output.vtu_series import COLLECTION, FOLDER, write_vtu_series
from cellml.sim.output.xdmf_series import MEMBRANES, VOLUME, write_xdmf_series
from cellml.sim.solve import Solution, unit_of_species

if TYPE_CHECKING:
    from cellml.sim.cut_sensitivity import CutSensitivity

_log = logging.getLogger(__name__)

OBSERVABLES, FIELDS, MODEL, PLACES, COURSES = "observables.csv", "solution.vtu", "model.yaml", "places.json", "courses.csv"
SPECIES, SENSITIVITY, COPIES, COPIES_PICTURE = "species.json", "cut_sensitivity.csv", "copies.csv", "copies.png"
_SERIES = (COLLECTION, FOLDER, *(name for xdmf in (VOLUME, MEMBRANES) for name in (xdmf, xdmf.replace(".xdmf", ".h5"))))
_PICTURES = (COURSES_PICTURE, FIELDS_PICTURE, MOVIE, COPIES_PICTURE)
FILES = (OBSERVABLES, FIELDS, MODEL, PLACES, COURSES, SPECIES, SENSITIVITY, COPIES, *_SERIES, *_PICTURES)


def require_free(folder: str | Path, *, overwrite: bool, known: Collection[str] = FILES) -> None:
    """Raise FileError unless results may be written there: nothing, an empty folder, or, with overwrite, an older folder of results.

    known: names of the files that such a folder may hold.
    """
    target = Path(folder)
    if not target.exists():
        return
    if not target.is_dir():
        raise FileError(f"{target} is a file; output is the folder of results.")
    present = {path.name for path in target.iterdir()}
    if present and not overwrite:
        raise FileError(f"{target} is not empty ({len(present)} files); choose another folder, or replace its results with overwrite=true.")
    foreign = sorted(present - set(known))
    if foreign:
        raise FileError(f"{target} holds more than results ({', '.join(foreign[:3])}), so it is not replaced; choose another folder.")


def write_results(
    solution: Solution, folder: str | Path, *, overwrite: bool = False, pictures: bool = True, sensitivity: CutSensitivity | None = None
) -> Path:
    """Write a solution as a folder that appears only when it is complete; returns the folder.

    observables.csv      name, value, unit, discretisation_error, status, reason
    solution.vtu         the mesh (nm) with its regions and all nodal fields, those of species at the end
    places.json          where largest_cut and farthest_cut are, or why they are not
    model.yaml           the model file, if it was read from one that is still there

    and where the model is followed in time, or to its steady state:

    courses.csv          time in s and every time course by what it follows, with units (in time only)
    species.json         the place and unit of each species, and what was changed in the model from outside
    volume.xdmf, .h5     bulk species at all snapshots; membranes.xdmf, .h5: those on membranes
    series.pvd, series/  the same for ParaView, each place as a part of its own
    courses.png, fields.png, movie.gif    pictures, if asked for; the movie where frames were kept
    cut_sensitivity.csv  the observables under each rule at cut faces, if asked for
    """
    require_free(folder, overwrite=overwrite)
    with atomic_path(folder) as aside:
        aside.mkdir()
        write_observables(solution.observables, aside / OBSERVABLES)
        write_mesh(solution.mesh, aside / FIELDS, point_data=solution.fields)
        _write_json(_places(solution.places), aside / PLACES)
        if solution.model.path is not None and solution.model.path.is_file():
            (aside / MODEL).write_bytes(solution.model.path.read_bytes())
        if sensitivity is not None:
            sensitivity.write(aside / SENSITIVITY)
        if solution.dynamics is not None:
            _write_dynamics(solution, aside, pictures=pictures)
    return Path(folder)


def _write_dynamics(solution: Solution, folder: Path, *, pictures: bool) -> None:
    assert solution.dynamics is not None
    _write_json(_species(solution), folder / SPECIES)
    write_xdmf_series(solution, folder)
    write_vtu_series(solution, folder)
    in_time = solution.dynamics.trajectory is not None
    if in_time:
        _write_courses(shown_courses(solution.courses, solution.model), folder / COURSES)
    if pictures and in_time:
        _draw(draw_courses, solution, folder / COURSES_PICTURE)
    if pictures:
        _draw(draw_fields, solution, folder / FIELDS_PICTURE)
    if pictures and len(solution.dynamics.frames) > 1:
        _draw(draw_movie, solution, folder / MOVIE)


def _draw(draw: Callable[[Solution, Path], None], solution: Solution, path: Path) -> None:
    """Hours of computing are not thrown away for a picture that cannot be drawn."""
    try:
        draw(solution, path)
    except OSError:  # a full disk
        raise
    except Exception:
        _log.warning("%s could not be drawn.", path.name, exc_info=True)
        path.unlink(missing_ok=True)


def write_observables(observables: tuple[Observable, ...], path: Path) -> None:
    """Write observables as a table: name, value, unit, discretisation_error, status, reason."""
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


def _species(solution: Solution) -> dict[str, Any]:
    model = solution.model
    found = {n: {"place": s.place, "bulk": s.bulk, "unit": unit_of_species(model, n)} for n, s in model.species.items()}
    inside = {name: list(c.regions) for name, c in model.compartments.items()}
    around = {name: list(m.facets) for name, m in model.membranes.items()}
    assert solution.dynamics is not None
    return {
        "species": found,
        "compartments": inside,
        "membranes": around,
        "parameters": {name: str(parameter.quantity) for name, parameter in model.parameters.items()},
        "cut": model.cut,
        "conserved_totals_drift": dict(solution.dynamics.drift),
        "times_s": [float(t) for t in sorted(solution.series) if np.isfinite(t)],
    }


def _write_json(value: Any, path: Path) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _places(places: Places) -> dict[str, Any]:
    found = {n: {"plane": p.plane, "centroid_nm": list(p.centroid), "area_nm2": p.area} for n, p in places.found.items()}
    return {**found, **{name: {"missing": reason} for name, reason in places.missing.items()}}
