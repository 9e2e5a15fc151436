"""The sections on one simulation: its time courses, its movie, and its species in the shape."""

from __future__ import annotations

import base64
import csv
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cellml.errors import FileError
from cellml.report.markup import Html, escape, picture, scene
from cellml.report.run_folder import AbsentError, RunFolder
from cellml.report.species3d import fields_of, species_3d

SPECIES_FILE = "species.json"
_LARGEST_MOVIE = 12_000_000  # bytes
_HEADER = re.compile(r"(.*) \((.*?)\)\s*")


def courses_section(run: RunFolder) -> Html:
    """Time courses of a simulation, and its movie."""
    from cellml.sim.output.courses_figure import courses_figure

    path = run.path / "courses.csv"
    if not path.is_file():
        raise AbsentError
    caption = "Blue: what the observables follow; green: molecules of each species in the whole shape."
    drawn = picture(courses_figure(read_courses(path)), alt="Time courses of the simulation", caption=caption)
    return Html(drawn + _movie(run.path / "movie.gif"))


def species_section(run: RunFolder) -> Html:
    """The species at the end of a simulation, to be turned."""
    described = described_species(run.path / SPECIES_FILE)
    mesh = next((m for m in run.meshes if any(name in m.fields for name in described)), None)
    if mesh is None:
        raise AbsentError("no mesh carries the species of species.json")
    figure = species_3d(mesh.mesh, fields_of(described, mesh.fields))
    caption = (
        "Concentrations at the end. Drag to rotate, scroll to zoom; the menu chooses the species, each with its own colours. Compartments "
        "are cut by a plane across the direction in which the mesh is thinnest; membranes are whole."
    )
    return scene(figure, caption=caption)


def read_courses(path: Path) -> Mapping[str, Any]:
    """Time courses by name from a table whose first column is the time in s and whose header carries units, such as `A (uM)`.

    Raises FileError for a table that is none.
    """
    from cellml.sim.engine.courses import Course

    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(file))
        table = np.array(rows, dtype=float)
        names = [_HEADER.fullmatch(title).groups() for title in header]  # type: ignore[union-attr]
        return {name: Course(name, table[:, 0], table[:, k], unit) for k, (name, unit) in enumerate(names) if k}
    except (OSError, ValueError, IndexError, AttributeError, csv.Error) as error:
        raise FileError(f"{path} is not a table of time courses ({error}).") from error


def described_species(path: Path) -> Mapping[str, Any]:
    """Unit, kind, and regions or facet sets of each species, from the file that a simulation leaves.

    Raises AbsentError without it, FileError if it is damaged.
    """
    if not path.is_file():
        raise AbsentError
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        sets = {**found.get("compartments", {}), **found.get("membranes", {})}
        described = {
            name: {"unit": entry["unit"], "bulk": entry["bulk"], "sets": list(sets[entry["place"]])}
            for name, entry in found.get("species", {}).items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileError(f"{path} does not describe the species of a simulation ({error!r}).") from error
    if not described:
        raise AbsentError
    return described


def _movie(path: Path) -> Html:
    if not path.is_file() or path.stat().st_size > _LARGEST_MOVIE:
        return Html("")
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    caption = "The species in time. One colour scale a species; compartments are cut open, membranes are seen from outside."
    alt = "Animation of the concentrations in the shape"
    return Html(f'<figure><img alt="{alt}" src="data:image/gif;base64,{data}"><figcaption>{escape(caption)}</figcaption></figure>')
