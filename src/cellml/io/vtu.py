"""VTU (VTK's unstructured grid in XML): float64; cell data `region` and `tag`, names as JSON bytes in the field data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.io.mesh_format import Extras
from cellml.io.mesh_grid import grid_of_mesh, mesh_of_grid
from cellml.io.mesh_names import KEY, names_line
from cellml.io.plain_xml import require_plain_xml
from cellml.io.unpacking import bounded
from cellml.types import TetMesh

_GRID = "<UnstructuredGrid>"


def read(path: Path) -> tuple[TetMesh, str]:
    """Read tetrahedra and triangles, and the unit.

    Raises FileError without tetrahedra, CellmlError where what is compressed has no room in memory, and meshio's own errors for damaged
    files.
    """
    from meshio.vtu import _vtu

    require_plain_xml(path)
    with bounded(_vtu, path):
        grid = _vtu.read(path)
    return mesh_of_grid(grid, _text(grid.field_data.get(KEY)), path)


def write(mesh: TetMesh, paths: list[Path], extras: Extras) -> None:
    """Write binary, zlib-compressed XML. Tetrahedra carry `region` (and tag 0), facets carry `tag` (and region 0)."""
    import meshio

    meshio.vtu.write(paths[0], grid_of_mesh(mesh, extras))
    _insert_names(paths[0], names_line(mesh, extras.unit))


def _insert_names(path: Path, text: str) -> None:
    """Put the names into the field data, as the bytes of a JSON text: meshio reads no strings there and writes no field data."""
    numbers = " ".join(str(byte) for byte in text.encode("ascii"))
    field = f'<FieldData><DataArray type="UInt8" Name="{KEY}" NumberOfTuples="{len(text)}" format="ascii">{numbers}</DataArray></FieldData>'
    content = path.read_text(encoding="utf-8")
    path.write_text(content.replace(_GRID, f"{_GRID}{field}", 1), encoding="utf-8")


def _text(found: NDArray[Any] | None) -> bytes | None:
    return None if found is None else bytes(np.asarray(found, dtype=np.uint8))
