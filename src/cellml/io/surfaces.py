"""Triangle surfaces in OFF, PLY, STL and OBJ, one surface a file: names and groups are the matter of `tagged_surfaces`."""

from __future__ import annotations

import os
from dataclasses import replace
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from cellml.errors import CellmlError, FileError
from cellml.io.atomic import atomic_path
from cellml.io.formats import wrong_content
from cellml.io.location import Location, require
from cellml.io.surface_names import noted
from cellml.io.tagged_surface import TaggedSurface
from cellml.io.units import nanometres
from cellml.memory import too_large
from cellml.types import Surface

_SUFFIXES = (".off", ".ply", ".stl", ".obj")


def read_surface(path: str | os.PathLike[str], *, unit: str | None = None) -> Surface:
    """Read a triangle surface; vertices and faces stay as stored, in their order, and lengths become nm.

    unit: of the coordinates in the file ("nm", "µm", "mm", "m", "Å"); where None what cellml noted there (in STL it cannot), else nm.
    Corners of an STL file, which knows no shared vertices, are joined where they coincide exactly. Groups become one surface. Raises
    FileError for missing, damaged and unknown files.
    """
    import trimesh

    place = Path(path).expanduser()
    require(Location(place))
    form = _form(place)
    names = noted(place)
    factor = _factor(unit or names.unit, place)
    try:
        order = {"maintain_order": True} if form == "OBJ" else {}  # else trimesh drops and sorts an OBJ's vertices
        loaded = trimesh.load_mesh(place, file_type=form.lower(), process=False, skip_materials=True, **order)
        vertices, faces = np.asarray(loaded.vertices, np.float64), np.asarray(loaded.faces, np.int64)
    except MemoryError as error:
        raise too_large(place) from error
    except Exception as error:  # trimesh's parsers raise whatever they stumble over
        raise wrong_content(place, form, error) from error
    if form == "OFF":
        _check_counts(place, len(vertices), len(faces))
    names.check(place, len(vertices), len(faces))
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
    """Write a triangle surface with coordinates in `unit`: float64 in OFF, OBJ and PLY, which note the unit, float32 in (binary) STL.

    Raises FileError for unknown suffixes and where the file cannot be written.
    """
    place = Path(path).expanduser()
    form = _form(place)
    factor = _factor(unit, place)
    scaled = replace(surface, vertices=surface.vertices / factor)
    with atomic_path(place) as aside:
        if form == "STL":
            _write_binary_stl(scaled, aside)
        else:
            bare = TaggedSurface(scaled, np.zeros(len(scaled.faces), np.int32))
            import_module(f"cellml.io.{form.lower()}").write([bare], aside, unit)


def _write_binary_stl(surface: Surface, path: Path) -> None:
    import trimesh

    mesh: Any = trimesh.Trimesh(surface.vertices, surface.faces, process=False)
    path.write_bytes(mesh.export(file_type="stl"))


def _check_counts(path: Path, vertices: int, faces: int) -> None:
    """Raise FileError if an OFF file promises more than was read: trimesh takes what is left of a truncated one."""
    lines = (line.split("#")[0].split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    numbers = list(islice((int(word) for line in lines for word in line if word.isdigit()), 2))
    if len(numbers) == 2 and (vertices < numbers[0] or faces < numbers[1]):
        raise FileError(f"{path} is truncated: it promises {numbers[0]} vertices and {numbers[1]} faces, but has {vertices} and {faces}.")


def _factor(unit: str, path: Path) -> float:
    factor = nanometres(unit)
    if factor is None:
        raise CellmlError(f"unit={unit!r} of {path} is no length; use nm, µm, mm, m or Å.")
    return factor


def _form(path: Path) -> str:
    if path.suffix.lower() not in _SUFFIXES:
        raise FileError(f"{path} has no suffix that cellml knows for surfaces. Known are {', '.join(_SUFFIXES)}.")
    return path.suffix[1:].upper()
