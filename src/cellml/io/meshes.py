"""Tetrahedral meshes: which module reads and writes which suffix."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from cellml.errors import CellmlError, FileError
from cellml.io.atomic import atomic_path
from cellml.io.formats import wrong_content
from cellml.io.location import Location, require
from cellml.io.units import nanometres
from cellml.types import TetMesh

_SUFFIXES = {".vtu": "VTU", ".msh": "gmsh"}


def read_mesh(path: str | os.PathLike[str], *, unit: str = "nm") -> TetMesh:
    """Read a tetrahedral mesh (.vtu, or .msh of gmsh 2.2 and 4.1).

    unit: of the coordinates in the file, which become nm. Regions are the cell data `region` (VTU) or physical groups (gmsh), all 1
    where there are none; triangles with a `tag` become facets. Raises FileError for missing, damaged and unknown files.
    """
    place = Path(path).expanduser()
    require(Location(place))
    form = _form(place)
    factor = nanometres(unit)
    if factor is None:
        raise CellmlError(f"unit={unit!r} of {place} is no length; use nm, µm, mm, m or Å.")
    try:
        mesh = _module(form).read(place)
    except CellmlError as error:
        raise FileError(f"{place} holds no mesh that can be used: {error}") from error
    except Exception as error:  # meshio and the XML parser have their own exceptions for damaged files
        raise wrong_content(place, form, error) from error
    return mesh if factor == 1.0 else replace(mesh, points=mesh.points * factor)


def write_mesh(
    mesh: TetMesh,
    path: str | os.PathLike[str],
    *,
    point_data: Mapping[str, NDArray[Any]] | None = None,
    cell_data: Mapping[str, NDArray[Any]] | None = None,
) -> None:
    """Write a tetrahedral mesh (.vtu, or .msh as gmsh 2.2), exactly: reading gives the same numbers.

    point_data: arrays (P, …) such as concentrations; cell_data: arrays (T, …) for the tetrahedra, whose triangles get NaN or 0.
    Raises FileError where the file cannot be written and CellmlError for data of another length.
    """
    place = Path(path).expanduser()
    form = _form(place)
    for what, data, count in (("point_data", point_data, len(mesh.points)), ("cell_data", cell_data, len(mesh.tets))):
        for name, values in (data or {}).items():
            if len(values) != count:
                raise CellmlError(f"{what} {name!r} has {len(values)} entries, but {mesh.name!r} needs {count}; {place} was not written.")
    with atomic_path(place) as aside:
        _module(form).write(mesh, aside, dict(point_data or {}), dict(cell_data or {}))


def _form(path: Path) -> str:
    form = _SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise FileError(f"{path} has no suffix that cellml knows for tetrahedral meshes. Known are {', '.join(_SUFFIXES)}.")
    return form


def _module(form: str) -> Any:
    from importlib import import_module

    return import_module(f"cellml.io.{form.lower()}")
