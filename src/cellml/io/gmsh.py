"""gmsh's MSH: physical volumes are regions, physical surfaces are facet tags. Reads 2.2 and 4.1, writes 2.2 as text and 4.1 binary.

Both keep float64. 2.2 as text is what STEPS imports; it takes names up to the first blank, so blanks of names become underscores there.
4.1 keeps cells by region and facets by tag, so their order changes. The names as they are stand as a line of JSON under $Comments.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError, FileError
from cellml.io.mesh_format import Extras
from cellml.io.mesh_names import KEY, MeshNames, names_line, read_names
from cellml.types import TetMesh

VERSIONS = ("2.2", "4.1")
_PHYSICAL = "gmsh:physical"


def read(path: Path) -> tuple[TetMesh, str]:
    """Read tetrahedra and physical triangles, and the unit. Raises FileError without tetrahedra; meshio's own errors for damaged files."""
    import meshio

    grid = meshio.gmsh.read(path)
    physical = grid.cell_data.get(_PHYSICAL)
    tets, regions = _blocks(grid, physical, "tetra", 4)
    facets, tags = _blocks(grid, physical, "triangle", 3)
    if not len(tets):
        kinds = ", ".join(sorted({block.type for block in grid.cells})) or "nothing"
        raise FileError(f"{path} has no tetrahedra; it holds {kinds}.")
    if physical is None:
        regions, facets, tags = np.ones(len(tets), np.int32), facets[:0], tags[:0]
    known = _names(path, grid)
    return TetMesh(grid.points, tets, regions, known.regions, facets, tags, known.facets, known.name), known.unit


def write(mesh: TetMesh, paths: list[Path], extras: Extras) -> None:
    """Write the version that `extras` names, 2.2 if none.

    Raises CellmlError for numbers below 1, which gmsh has no place for, where a region and a facet share a name, which readers of MSH keep
    once, and for names with quotation marks or line ends.
    """
    from cellml.io import gmsh22, gmsh41

    version = extras.version or VERSIONS[0]
    if version not in VERSIONS:
        raise CellmlError(f"version={version!r} is no version of MSH that cellml writes; use {' or '.join(VERSIONS)}.")
    _refuse(mesh, extras)
    comment = f"{KEY} {names_line(mesh, extras.unit)}"
    (gmsh22 if version == "2.2" else gmsh41).write(mesh, paths[0], comment, dict(extras.point_data))


def _refuse(mesh: TetMesh, extras: Extras) -> None:
    twice = set(mesh.region_names.values()) & set(mesh.facet_names.values())
    if twice:
        raise CellmlError(
            f"{mesh.name!r} uses {sorted(twice)} for a region and for facets; gmsh files need different names, .vtu does not."
        )
    odd = [name for name in (*mesh.region_names.values(), *mesh.facet_names.values()) if '"' in name or not name.isprintable()]
    if odd:
        raise CellmlError(f"{mesh.name!r} has the name {odd[0]!r}; gmsh files hold no quotation marks and line ends in names.")
    lowest = min(int(mesh.regions.min()), int(mesh.facet_tags.min(initial=1)))
    if lowest < 1:
        raise CellmlError(f"{mesh.name!r} has a region or facet tag numbered {lowest}; gmsh files need numbers from 1, .vtu does not.")
    if extras.cell_data:
        raise CellmlError("Data of cells is written to .vtu and .xdmf only; gmsh files keep the physical groups there.")


def _blocks(grid: Any, physical: Any, kind: str, corners: int) -> tuple[NDArray[Any], NDArray[Any]]:
    chosen = [i for i, block in enumerate(grid.cells) if block.type == kind]
    cells = [grid.cells[i].data for i in chosen]
    numbers = [physical[i] if physical is not None else np.ones(len(grid.cells[i].data)) for i in chosen]
    if not chosen:
        return np.zeros((0, corners), np.int64), np.zeros(0, np.int32)
    return np.concatenate(cells), np.concatenate(numbers)


def _names(path: Path, grid: Any) -> MeshNames:
    """The names that cellml noted, else those of the physical groups."""
    with path.open("rb") as file:
        for line in file:
            if line.startswith(KEY.encode()):
                return read_names(line[len(KEY) :], path)
            if line.startswith((b"$Nodes", b"$Elements")):
                break
    named = {dimension: {int(n): name for name, (n, d) in grid.field_data.items() if int(d) == dimension} for dimension in (2, 3)}
    return MeshNames(path.stem, regions=named[3], facets=named[2])
