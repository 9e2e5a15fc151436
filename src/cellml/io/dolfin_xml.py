"""XML of FEniCS (legacy dolfin): `cell.xml` with the mesh and its markers, and the same markers as mesh functions in two files beside it,
`cell_physical_region.xml` and `cell_facet_region.xml`, the names that dolfin-convert gave them.

17 digits, so that float64 survives. Cells list their corners in ascending order, which is how dolfin numbers the facets of a cell: local
facet i lies opposite to corner i. The names stand as a line of JSON in a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.io.mesh_format import Extras
from cellml.io.mesh_functions import FacetFunction, facet_function, outward, positive
from cellml.io.mesh_names import KEY, names_line, read_names
from cellml.io.plain_xml import require_plain_xml
from cellml.types import TetMesh

BESIDE = ("{stem}_physical_region.xml", "{stem}_facet_region.xml")
_COMMENT = re.compile(rf"<!-- {KEY} (.*?) -->")
_HEAD, _TAIL = '<?xml version="1.0"?>\n<dolfin xmlns:dolfin="http://fenicsproject.org">\n', "</dolfin>\n"
_OPPOSITE = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])

Index = NDArray[np.int64]


def read(path: Path) -> tuple[TetMesh, str]:
    """Read a mesh of tetrahedra, its markers (or those beside it), and the unit.

    The order of a facet's corners is lost: facets point out of the mesh, or out of the region with the lower number.
    """
    require_plain_xml(path)
    root = ElementTree.parse(path).getroot()
    mesh = root if root.tag == "mesh" else root.find("mesh")
    if root.tag not in ("dolfin", "mesh") or mesh is None:
        raise FileError(f"{path} holds <{root.tag}>, no mesh of dolfin.")
    if mesh.get("celltype") != "tetrahedron":
        raise FileError(f"{path} holds cells of kind {mesh.get('celltype')!r}, no tetrahedra.")
    points = _rows(mesh, "vertices", ("x", "y", "z"), path)
    tets = np.sort(_rows(mesh, "cells", ("v0", "v1", "v2", "v3"), path).astype(np.int64), axis=1)
    markers = {dimension: _markers(path, mesh, dimension) for dimension in (2, 3)}
    regions = np.ones(len(tets), np.int32)
    regions[markers[3][:, 0]] = markers[3][:, 2]
    cell, local, tags = markers[2][(markers[2][:, 2] > 0) & (markers[2][:, 2] < 2**31)].T
    facets, tets = tets[cell[:, None], _OPPOSITE[local]], positive(points, tets)
    facets = outward(tets, regions, facets)
    found = _COMMENT.search(path.read_text(encoding="utf-8"))
    known = read_names(found.group(1) if found else None, path)
    return TetMesh(points, tets, regions, known.regions, facets, tags, known.facets, known.name), known.unit


def write(mesh: TetMesh, paths: list[Path], extras: Extras) -> None:
    """Write the mesh with its markers, the regions, and the facet tags (0 for facets without). Raises as `facet_function` does."""
    extras.refuse_data("dolfin's XML")
    function = facet_function(mesh)
    tets = np.sort(mesh.tets, axis=1)
    regions = np.stack([np.arange(len(tets)), np.zeros(len(tets), np.int64), mesh.regions], axis=1)
    facets = _local(function, tets)
    comment = f"<!-- {KEY} {names_line(mesh, extras.unit)} -->\n<!-- lengths in {extras.unit} -->\n"
    domains = ["    <domains>\n", *_collection(3, regions), *_collection(2, facets[facets[:, 2] > 0]), "    </domains>\n"]
    _write(paths[0], [comment, *_mesh(mesh.points, tets), *domains, "  </mesh>\n"])
    _write(paths[1], ["  <mesh_function>\n", *_collection(3, regions), "  </mesh_function>\n"])
    _write(paths[2], ["  <mesh_function>\n", *_collection(2, facets), "  </mesh_function>\n"])


def _local(function: FacetFunction, tets: Index) -> Index:
    """Rows (cell, local facet, value) for every facet: the local facet is the number of the corner that it lacks."""
    corners = tets[function.cell]
    lacking = ~(corners[:, :, None] == function.facets[:, None, :]).any(axis=2)
    return np.stack([function.cell, lacking.argmax(axis=1), function.values], axis=1)


def _mesh(points: NDArray[np.float64], tets: Index) -> Iterator[str]:
    yield f'  <mesh celltype="tetrahedron" dim="3">\n    <vertices size="{len(points)}">\n'
    for n, (x, y, z) in enumerate(points.tolist()):
        yield f'      <vertex index="{n}" x="{x!r}" y="{y!r}" z="{z!r}" />\n'
    yield f'    </vertices>\n    <cells size="{len(tets)}">\n'
    for n, (a, b, c, d) in enumerate(tets.tolist()):
        yield f'      <tetrahedron index="{n}" v0="{a}" v1="{b}" v2="{c}" v3="{d}" />\n'
    yield "    </cells>\n"


def _collection(dimension: int, rows: Index) -> Iterator[str]:
    name = "regions" if dimension == 3 else "facets"
    yield f'      <mesh_value_collection name="{name}" type="uint" dim="{dimension}" size="{len(rows)}">\n'
    for cell, local, value in rows.tolist():
        yield f'        <value cell_index="{cell}" local_entity="{local}" value="{value}" />\n'
    yield "      </mesh_value_collection>\n"


def _write(path: Path, parts: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(_HEAD)
        file.writelines(parts)
        file.write(_TAIL)


def _rows(mesh: ElementTree.Element, what: str, keys: tuple[str, ...], path: Path) -> NDArray[np.float64]:
    parent = mesh.find(what)
    if parent is None or int(parent.get("size", -1)) != len(parent):
        raise FileError(f"{path} is damaged: its {what} are missing or not as many as it says.")
    rows = np.full((len(parent), len(keys)), np.nan)
    for element in parent:
        rows[int(element.get("index", -1))] = [float(element.attrib[key]) for key in keys]
    if np.isnan(rows).any():
        raise FileError(f"{path} is damaged: not every number from 0 to {len(rows) - 1} occurs in its {what}.")
    return rows


def _markers(path: Path, mesh: ElementTree.Element, dimension: int) -> Index:
    """Rows (cell, local facet, value) from the mesh's own markers, else from the file beside it, else none."""
    domains, beside = mesh.find("domains"), path.with_name(BESIDE[0 if dimension == 3 else 1].format(stem=path.stem))
    if domains is None and not beside.is_file():
        return np.zeros((0, 3), np.int64)
    if domains is None:
        require_plain_xml(beside)
    parent = domains if domains is not None else ElementTree.parse(beside).getroot()
    for collection in parent.iter("mesh_value_collection"):
        if collection.get("dim") == str(dimension):
            keys = ("cell_index", "local_entity", "value")
            return np.array([[int(value.attrib[key]) for key in keys] for value in collection], np.int64).reshape(-1, 3)
    if domains is None:
        raise FileError(f"{beside} holds no mesh_value_collection of dimension {dimension}; read and write it once with dolfin 2019.")
    return np.zeros((0, 3), np.int64)
