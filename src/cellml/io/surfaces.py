"""Triangle surfaces in OFF, PLY, STL and OBJ, by trimesh."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from cellml.errors import CellmlError, FileError
from cellml.io.atomic import atomic_path
from cellml.io.formats import wrong_content
from cellml.io.location import Location, require
from cellml.io.units import nanometres
from cellml.types import Surface

_SUFFIXES = (".off", ".ply", ".stl", ".obj")


def read_surface(path: str | os.PathLike[str], *, unit: str = "nm") -> Surface:
    """Read a triangle surface; vertices and faces stay as stored, in their order, and lengths become nm.

    unit: of the coordinates in the file ("nm", "µm", "mm", "m", "Å"), which none of these formats states. Corners of an STL file,
    which knows no shared vertices, are joined where they coincide exactly. Raises FileError for missing, damaged and unknown files.
    """
    import trimesh

    place = Path(path).expanduser()
    require(Location(place))
    factor = _factor(unit, place)
    form = _form(place)
    try:
        order = {"maintain_order": True} if form == "OBJ" else {}  # else trimesh drops and sorts an OBJ's vertices
        loaded = trimesh.load_mesh(place, file_type=form.lower(), process=False, skip_materials=True, **order)
        vertices, faces = np.asarray(loaded.vertices, np.float64), np.asarray(loaded.faces, np.int64)
    except Exception as error:  # trimesh's parsers raise whatever they stumble over
        raise wrong_content(place, form, error) from error
    if form == "OFF":
        _check_counts(place, len(vertices), len(faces))
    if len(vertices) == 0 or len(faces) == 0:
        raise FileError(f"{place} holds no triangles ({len(vertices)} vertices, {len(faces)} faces); it is damaged or no surface.")
    if form == "STL":
        vertices, joined = np.unique(vertices, axis=0, return_inverse=True)
        faces = joined.reshape(-1)[faces]
    try:
        return Surface(vertices * factor, faces, name=place.stem)
    except CellmlError as error:
        raise FileError(f"{place} holds no surface that can be used: {error}") from error


def write_surface(surface: Surface, path: str | os.PathLike[str], *, unit: str = "nm") -> None:
    """Write a triangle surface with coordinates in `unit`: 17 digits in OFF and OBJ (exact), float32 in PLY and STL.

    Raises FileError for unknown suffixes and where the file cannot be written.
    """
    import trimesh

    place = Path(path).expanduser()
    form = _form(place)
    factor = _factor(unit, place)
    if form in ("OFF", "OBJ"):
        content: bytes = _text(surface, factor, form).encode("ascii")
    else:
        mesh: Any = trimesh.Trimesh(surface.vertices / factor, surface.faces, process=False)
        content = mesh.export(file_type=form.lower())
    with atomic_path(place, needed=len(content)) as aside:
        aside.write_bytes(content)


def _check_counts(path: Path, vertices: int, faces: int) -> None:
    """Raise FileError if an OFF file promises more than was read: trimesh takes what is left of a truncated one."""
    lines = (line.split("#")[0].split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    numbers = list(islice((int(word) for line in lines for word in line if word.isdigit()), 2))
    if len(numbers) == 2 and (vertices < numbers[0] or faces < numbers[1]):
        raise FileError(f"{path} is truncated: it promises {numbers[0]} vertices and {numbers[1]} faces, but has {vertices} and {faces}.")


def _text(surface: Surface, factor: float, form: str) -> str:
    """OFF or OBJ with every digit: trimesh's own writers round to a fixed number of decimals."""
    mark, first = ("v ", 1) if form == "OBJ" else ("", 0)
    rows = [f"OFF\n{len(surface.vertices)} {len(surface.faces)} 0"] if form == "OFF" else []
    rows += [f"{mark}{x!r} {y!r} {z!r}" for x, y, z in (surface.vertices / factor).tolist()]
    face = "f " if form == "OBJ" else "3 "
    rows += [f"{face}{a} {b} {c}" for a, b, c in (surface.faces + first).tolist()]
    return "\n".join(rows) + "\n"


def _factor(unit: str, path: Path) -> float:
    factor = nanometres(unit)
    if factor is None:
        raise CellmlError(f"unit={unit!r} of {path} is no length; use nm, µm, mm, m or Å.")
    return factor


def _form(path: Path) -> str:
    if path.suffix.lower() not in _SUFFIXES:
        raise FileError(f"{path} has no suffix that cellml knows for surfaces. Known are {', '.join(_SUFFIXES)}.")
    return path.suffix[1:].upper()
