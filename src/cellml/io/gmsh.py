"""gmsh's MSH: physical volumes are regions, physical surfaces are facet tags. Reads 2.2 and 4.1, writes 2.2 binary."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError, FileError
from cellml.types import TetMesh

_PHYSICAL = "gmsh:physical"


def read(path: Path) -> TetMesh:
    """Read tetrahedra and physical triangles. Raises FileError without tetrahedra; meshio's own errors for damaged files."""
    import meshio

    grid = meshio.gmsh.read(path)
    physical = grid.cell_data.get(_PHYSICAL)
    tets, regions = _blocks(grid, physical, "tetra", 4)
    facets, tags = _blocks(grid, physical, "triangle", 3)
    if not len(tets):
        kinds = ", ".join(sorted({block.type for block in grid.cells})) or "nothing"
        raise FileError(f"{path} has no tetrahedra; it holds {kinds}.")
    names = {dimension: {int(n): name for name, (n, d) in grid.field_data.items() if int(d) == dimension} for dimension in (2, 3)}
    if physical is None:
        regions, facets, tags = np.ones(len(tets), np.int32), facets[:0], tags[:0]
    return TetMesh(grid.points, tets, regions, names[3], facets, tags, names[2], name=path.stem)


def write(mesh: TetMesh, path: Path, point_data: Mapping[str, NDArray[Any]], cell_data: Mapping[str, NDArray[Any]]) -> None:
    """Write MSH 2.2. Raises CellmlError where a region and a facet share a name, which MSH readers keep once."""
    import meshio

    twice = set(mesh.region_names.values()) & set(mesh.facet_names.values())
    if twice:
        raise CellmlError(
            f"{mesh.name!r} uses {sorted(twice)} for a region and for facets; gmsh files need different names, .vtu does not."
        )
    if cell_data:
        raise CellmlError("Data of cells is written to .vtu only; gmsh files keep the physical groups there.")
    cells: list[tuple[str, NDArray[Any]]] = [("tetra", mesh.tets), ("triangle", mesh.facets)][: 2 if len(mesh.facets) else 1]
    groups = [mesh.regions, mesh.facet_tags][: len(cells)]
    names = {name: np.array([number, 3]) for number, name in mesh.region_names.items()}
    names |= {name: np.array([number, 2]) for number, name in mesh.facet_names.items()}
    data = {_PHYSICAL: groups, "gmsh:geometrical": [group.copy() for group in groups]}
    grid = meshio.Mesh(mesh.points, cells, point_data=dict(point_data), cell_data=data, field_data=names)
    meshio.gmsh.write(path, grid, fmt_version="2.2", binary=True)


def _blocks(grid: Any, physical: Any, kind: str, corners: int) -> tuple[NDArray[Any], NDArray[Any]]:
    chosen = [i for i, block in enumerate(grid.cells) if block.type == kind]
    cells = [grid.cells[i].data for i in chosen]
    numbers = [physical[i] if physical is not None else np.ones(len(grid.cells[i].data)) for i in chosen]
    if not chosen:
        return np.zeros((0, corners), np.int64), np.zeros(0, np.int32)
    return np.concatenate(cells), np.concatenate(numbers)
