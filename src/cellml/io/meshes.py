"""Tetrahedral meshes: which module reads and writes which suffix."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from numpy.typing import NDArray

from cellml.errors import CellmlError, FileError
from cellml.io.atomic import atomic_path
from cellml.io.formats import wrong_content
from cellml.io.location import Location, require
from cellml.io.mesh_format import Extras, MeshFormat
from cellml.io.units import nanometres
from cellml.memory import too_large
from cellml.types import TetMesh

# suffix: module, and what messages call the format
_SUFFIXES = {
    ".vtu": ("vtu", "VTU"),
    ".msh": ("gmsh", "gmsh"),
    ".xdmf": ("xdmf", "XDMF"),
    ".xml": ("dolfin_xml", "dolfin XML"),
    ".h5": ("dolfin_hdf5", "HDF5"),
}
_SURFACES = (".mdl", ".obj", ".ply", ".stl", ".off")
MESH_SUFFIXES = (*_SUFFIXES, *_SURFACES)


def read_mesh(path: str | os.PathLike[str], *, unit: str | None = None) -> TetMesh:
    """Read a tetrahedral mesh: .vtu, .xdmf, .msh (gmsh 2.2 and 4.1), .xml and .h5 (legacy dolfin, SMART).

    unit: of the coordinates in the file, which become nm; the one that the file notes if cellml wrote it, else nm, where None. Regions are
    all 1 and facets none where the file knows none. Raises FileError for missing, damaged and unknown files.
    """
    place = Path(path).expanduser()
    module, form = _form(place)
    require(Location(place))
    if unit is not None:
        _factor(unit, place)
    try:
        mesh, noted = module.read(place)
    except CellmlError as error:
        raise FileError(f"{place} holds no mesh that can be used: {error}") from error
    except MemoryError as error:
        raise too_large(place) from error
    except Exception as error:  # meshio and the XML parser have their own exceptions for damaged files
        raise wrong_content(place, form, error) from error
    factor = _factor(unit or noted, place)
    return mesh if factor == 1.0 else replace(mesh, points=mesh.points * factor)


def write_mesh(
    mesh: TetMesh,
    path: str | os.PathLike[str],
    *,
    point_data: Mapping[str, NDArray[Any]] | None = None,
    cell_data: Mapping[str, NDArray[Any]] | None = None,
    unit: str | None = None,
    version: str | None = None,
) -> None:
    """Write a tetrahedral mesh; .vtu, .xdmf, .msh (gmsh), .xml and .h5 (legacy dolfin, SMART) keep float64, regions, tags and names.

    point_data: arrays (P, …) such as concentrations (.vtu, .xdmf, .msh); cell_data: arrays (T, …) for the tetrahedra, whose triangles get
    NaN or 0 (.vtu, .xdmf). unit: of the coordinates in the file, noted there; nm where None, µm in .mdl. version: of .msh, "2.2" as text,
    which STEPS reads, or "4.1". A suffix of surfaces (.mdl, .obj, .ply, .stl, .off) writes the membranes, as `write_membranes` does.
    Raises FileError where the file cannot be written and CellmlError for what the format cannot hold; then nothing is written.
    """
    place = Path(path).expanduser()
    if place.suffix.lower() in _SURFACES:
        _write_membranes(mesh, place, point_data, cell_data, unit, version)
        return
    module, form = _form(place)
    if version and form != "gmsh":
        raise CellmlError(f"version={version!r} chooses between versions of .msh; {place} has one.")
    for what, data, count in (("point_data", point_data, len(mesh.points)), ("cell_data", cell_data, len(mesh.tets))):
        for name, values in (data or {}).items():
            if len(values) != count:
                raise CellmlError(f"{what} {name!r} has {len(values)} entries, but {mesh.name!r} needs {count}; {place} was not written.")
    factor = _factor(unit or "nm", place)
    scaled = mesh if factor == 1.0 else replace(mesh, points=mesh.points / factor)
    beside = tuple(pattern.format(name=place.name, stem=place.stem) for pattern in getattr(module, "BESIDE", ()))
    extras = Extras(dict(point_data or {}), dict(cell_data or {}), unit or "nm", version or "", beside)
    with ExitStack() as stack:
        # Left in the opposite order: the named file appears last, when those that it needs are there.
        asides = [stack.enter_context(atomic_path(target)) for target in (place, *(place.with_name(name) for name in beside))]
        module.write(scaled, asides, extras)


def _write_membranes(mesh: TetMesh, place: Path, point_data: object, cell_data: object, unit: str | None, version: str | None) -> None:
    from cellml.io.tagged_surfaces import write_membranes

    if point_data or cell_data or version:
        raise CellmlError(f"{place} holds surfaces, which keep no data of points and cells and no version; write .vtu for these.")
    write_membranes(mesh, place, unit=unit)


def _form(path: Path) -> tuple[MeshFormat, str]:
    suffix = path.suffix.lower()
    if suffix in _SURFACES:
        raise FileError(
            f"{path} holds surfaces, no tetrahedra. `cellml mesh input={path} unit=µm output={path.stem}.vtu` fills one with tetrahedra "
            f"(unit: of its coordinates); read_tagged_surfaces reads it in Python. Meshes are {', '.join(_SUFFIXES)}."
        )
    if suffix not in _SUFFIXES:
        remedy = f" `meshio convert {path} {path.with_suffix('.vtu')}` makes one of it." if suffix == ".vtk" else ""
        raise FileError(f"{path} has no suffix that cellml knows for tetrahedral meshes. Known are {', '.join(_SUFFIXES)}.{remedy}")
    module, form = _SUFFIXES[suffix]
    return cast(MeshFormat, import_module(f"cellml.io.{module}")), form


def _factor(unit: str, path: Path) -> float:
    factor = nanometres(unit)
    if factor is None:
        raise CellmlError(f"unit={unit!r} of {path} is no length; use nm, µm, mm, m or Å.")
    return factor
