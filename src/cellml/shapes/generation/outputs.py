"""The files of generated shapes."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError
from cellml.shapes.generation.made import Made

_COLUMNS = (
    "name", "log_density", "rarity", "one_in", "percentile", "volume_nm3", "area_nm2", "tetrahedra", "dihedral_min_deg",
    "seconds", "refused",
)  # fmt: skip


def require_formats(formats: Sequence[str]) -> tuple[str, ...]:
    """The suffixes of meshes and surfaces to write, with their dots. Raises CellmlError for one that is not known."""
    from cellml.io.meshes import MESH_SUFFIXES

    given = tuple(f".{str(one).lstrip('.').lower()}" for one in formats)
    wrong = [one for one in given if one not in MESH_SUFFIXES]
    if wrong or not given:
        named = wrong[0] if wrong else "nothing"
        raise CellmlError(f"formats={list(formats)} names {named}; shapes are written as {', '.join(MESH_SUFFIXES)}.")
    return given


def write_shape(made: Made, folder: Path, formats: Sequence[str]) -> list[str]:
    """A certified shape in each format: tetrahedra, or their boundary as a surface; and its certificate. Returns the names of the files."""
    from cellml.io import write_json, write_mesh

    if made.result is None:
        raise CellmlError(f"{made.name!r} has no mesh: {made.reason}")
    files = []
    for suffix in formats:
        files.append(f"{made.name}{suffix}")
        write_mesh(made.result.mesh, folder / files[-1])
    write_json(folder / f"{made.name}.json", made.result.certificate.as_dict())
    return [*files, f"{made.name}.json"]


def write_table(made: Sequence[Made], path: Path, more: Mapping[str, Sequence[Any]] | None = None) -> None:
    """One row a shape, refused ones too; more: further columns."""
    extra = dict(more or {})
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, (*_COLUMNS, *extra), extrasaction="ignore")
        writer.writeheader()
        writer.writerows([{**one.row(), **{name: column[n] for name, column in extra.items()}} for n, one in enumerate(made)])


def facts_of(made: Sequence[Made], files: dict[str, list[str]]) -> list[dict[str, Any]]:
    """What provenance.json says of each shape."""
    return [{**one.row(), "code": [round(float(value), 6) for value in one.code], "files": files.get(one.name, [])} for one in made]
