"""Surfaces with named tags: which module reads and writes which suffix."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from cellml.errors import CellmlError, FileError
from cellml.io.atomic import atomic_path
from cellml.io.formats import wrong_content
from cellml.io.location import Location, require
from cellml.io.tagged_surface import TaggedSurface, compartments, membranes
from cellml.io.units import nanometres
from cellml.memory import too_large
from cellml.types import TetMesh

_SUFFIXES = (".mdl", ".obj", ".ply", ".stl", ".off")


class _Format(Protocol):
    def read(self, path: Path) -> tuple[list[TaggedSurface], str]: ...

    def write(self, surfaces: Sequence[TaggedSurface], path: Path, unit: str) -> None: ...


def write_membranes(mesh: TetMesh, path: str | os.PathLike[str], *, unit: str | None = None) -> None:
    """Write the surfaces of a tetrahedral mesh, its facet tags as groups, without the tetrahedra.

    .mdl: the closed surface of each compartment (see `compartments`), in µm where unit is None. .obj, .ply, .stl, .off: all tagged facets,
    each once, in nm: a group, face property, solid or colour index a membrane. Raises CellmlError, and writes nothing, for .mdl if two
    compartments share walls, and FileError where the file cannot be written.
    """
    surfaces = compartments(mesh) if Path(path).suffix.lower() == ".mdl" else [membranes(mesh)]
    write_tagged_surfaces(surfaces, path, unit=unit)


def write_tagged_surfaces(surfaces: Sequence[TaggedSurface], path: str | os.PathLike[str], *, unit: str | None = None) -> None:
    """Write surfaces with their tags: several to .mdl and .obj, one to .ply, .stl (text) and .off.

    unit: of the coordinates in the file; µm in .mdl and nm elsewhere where None. Raises CellmlError for several surfaces in a file that
    holds one, and FileError for unknown suffixes and where the file cannot be written.
    """
    place = Path(path).expanduser()
    module, _ = _format(place)
    unit = unit or ("µm" if place.suffix.lower() == ".mdl" else "nm")
    factor = _factor(unit, place)
    scaled = [_scaled(tagged, 1.0 / factor) if factor != 1.0 else tagged for tagged in surfaces]
    with atomic_path(place) as aside:
        module.write(scaled, aside, unit)


def read_tagged_surfaces(path: str | os.PathLike[str], *, unit: str | None = None) -> list[TaggedSurface]:
    """Read the surfaces of a file with their tags and names.

    unit: of the coordinates in the file, which become nm; where None µm in .mdl, else what cellml noted there, else nm. Raises FileError
    for missing, damaged and unknown files.
    """
    place = Path(path).expanduser()
    module, form = _format(place)
    require(Location(place))
    try:
        surfaces, noted = module.read(place)
    except FileError:
        raise
    except CellmlError as error:
        raise FileError(f"{place} holds no surface that can be used: {error}") from error
    except MemoryError as error:
        raise too_large(place) from error
    except Exception as error:  # numbers that are none, and whatever trimesh's parser stumbles over
        raise wrong_content(place, form, error) from error
    factor = _factor(unit or noted, place)
    return surfaces if factor == 1.0 else [_scaled(tagged, factor) for tagged in surfaces]


def _scaled(tagged: TaggedSurface, factor: float) -> TaggedSurface:
    # Divided where the factor is below 1: 1000 is exact in binary, 0.001 is not.
    vertices = tagged.surface.vertices / (1.0 / factor) if factor < 1.0 else tagged.surface.vertices * factor
    return replace(tagged, surface=replace(tagged.surface, vertices=vertices))


def _format(path: Path) -> tuple[_Format, str]:
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise FileError(f"{path} has no suffix that cellml knows for tagged surfaces. Known are {', '.join(_SUFFIXES)}.")
    return cast(_Format, import_module(f"cellml.io.{suffix[1:]}")), suffix[1:].upper()


def _factor(unit: str, path: Path) -> float:
    factor = nanometres(unit)
    if factor is None:
        raise CellmlError(f"unit={unit!r} of {path} is no length; use nm, µm, mm, m or Å.")
    return factor
