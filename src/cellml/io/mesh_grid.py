"""A mesh as meshio's grid: tetrahedra with cell data `region`, then facets with cell data `tag`; the way of VTU and XDMF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.io.mesh_format import Extras
from cellml.io.mesh_names import read_names
from cellml.types import TetMesh


def mesh_of_grid(grid: Any, names: str | bytes | None, path: Path) -> tuple[TetMesh, str]:
    """The mesh in meshio's grid with cell data `region` and `tag`, and its unit; names: the line of names, where there is one."""
    known = read_names(names, path)
    region, tag = (grid.cell_data.get(key) for key in ("region", "tag"))
    tets, regions, facets, tags = [], [], [], []
    for i, block in enumerate(grid.cells):
        if block.type == "tetra":
            tets.append(block.data)
            regions.append(region[i] if region is not None else np.ones(len(block.data)))
        elif block.type == "triangle" and tag is not None:
            facets.append(block.data)
            tags.append(tag[i])
    if not tets:
        kinds = ", ".join(sorted({block.type for block in grid.cells})) or "nothing"
        raise FileError(f"{path} has no tetrahedra; it holds {kinds}.")
    mesh = TetMesh(
        points=grid.points,
        tets=np.concatenate(tets),
        regions=np.concatenate(regions),
        region_names=known.regions,
        facets=np.concatenate(facets) if facets else np.zeros((0, 3), np.int64),
        facet_tags=np.concatenate(tags) if tags else np.zeros(0, np.int32),
        facet_names=known.facets,
        name=known.name,
    )
    return mesh, known.unit


def grid_of_mesh(mesh: TetMesh, extras: Extras) -> Any:
    """A grid of meshio with tetrahedra, then facets, and the cell data `region` and `tag`."""
    import meshio

    cells: list[tuple[str, NDArray[Any]]] = [("tetra", mesh.tets)]
    counts = [len(mesh.tets)]
    if len(mesh.facets):
        cells.append(("triangle", mesh.facets))
        counts.append(len(mesh.facets))
    data = {
        "region": [mesh.regions, np.zeros(len(mesh.facets), np.int32)][: len(cells)],
        "tag": [np.zeros(len(mesh.tets), np.int32), mesh.facet_tags][: len(cells)],
    }
    for name, values in extras.cell_data.items():
        data[name] = [np.asarray(values), *(_blank(np.asarray(values), count) for count in counts[1:])]
    return meshio.Mesh(mesh.points, cells, point_data=dict(extras.point_data), cell_data=data)


def _blank(values: NDArray[Any], count: int) -> NDArray[Any]:
    """What facets get for a quantity of tetrahedra: NaN, or 0 for integers."""
    return np.full((count, *values.shape[1:]), np.nan if values.dtype.kind == "f" else 0, values.dtype)
