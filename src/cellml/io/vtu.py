"""VTU (VTK's unstructured grid in XML): cell data `region` and `tag`, names as JSON bytes in the field data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.types import TetMesh

_NAMES = "cellml_names"
_GRID = "<UnstructuredGrid>"


def read(path: Path) -> TetMesh:
    """Read tetrahedra and triangles. Raises FileError for a file without tetrahedra; meshio's own errors for damaged ones."""
    import meshio

    grid = meshio.vtu.read(path)
    names = _read_names(grid.field_data.get(_NAMES), path)
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
    return TetMesh(
        points=grid.points,
        tets=np.concatenate(tets),
        regions=np.concatenate(regions),
        region_names=_numbered(names.get("regions")),
        facets=np.concatenate(facets) if facets else np.zeros((0, 3), np.int64),
        facet_tags=np.concatenate(tags) if tags else np.zeros(0, np.int32),
        facet_names=_numbered(names.get("facets")),
        name=str(names.get("name", path.stem)),
    )


def write(mesh: TetMesh, path: Path, point_data: Mapping[str, NDArray[Any]], cell_data: Mapping[str, NDArray[Any]]) -> None:
    """Write binary, zlib-compressed XML. Tetrahedra carry `region` (and tag 0), facets carry `tag` (and region 0)."""
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
    for name, values in cell_data.items():
        data[name] = [np.asarray(values), *(_blank(np.asarray(values), count) for count in counts[1:])]
    meshio.vtu.write(path, meshio.Mesh(mesh.points, cells, point_data=dict(point_data), cell_data=data))
    _insert_names(path, mesh)


def _blank(values: NDArray[Any], count: int) -> NDArray[Any]:
    """What facets get for a quantity of tetrahedra: NaN, or 0 for integers."""
    return np.full((count, *values.shape[1:]), np.nan if values.dtype.kind == "f" else 0, values.dtype)


def _insert_names(path: Path, mesh: TetMesh) -> None:
    """Put the names into the field data, as the bytes of a JSON text: meshio reads no strings there and writes no field data."""
    names = {"name": mesh.name, "regions": dict(mesh.region_names), "facets": dict(mesh.facet_names)}
    text = json.dumps(names).encode("ascii")
    numbers = " ".join(str(byte) for byte in text)
    field = (
        f'<FieldData><DataArray type="UInt8" Name="{_NAMES}" NumberOfTuples="{len(text)}" format="ascii">{numbers}</DataArray></FieldData>'
    )
    content = path.read_text(encoding="utf-8")
    path.write_text(content.replace(_GRID, f"{_GRID}{field}", 1), encoding="utf-8")


def _read_names(found: NDArray[Any] | None, path: Path) -> dict[str, Any]:
    if found is None:
        return {}
    try:
        names = json.loads(bytes(np.asarray(found, dtype=np.uint8)))
    except ValueError as error:
        raise FileError(f"{path} is damaged: its field data {_NAMES} is no JSON ({error}).") from error
    return dict(names)


def _numbered(names: Mapping[str, str] | None) -> dict[int, str]:
    return {int(number): str(name) for number, name in (names or {}).items()}
