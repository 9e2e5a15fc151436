"""Time series as XDMF 3 with the numbers in an HDF5 file beside it, as ParaView opens it.

    volume.xdmf      all tetrahedra with their region; a field for each bulk species, NaN at points where it does not live
    membranes.xdmf   the triangles of all membranes that carry species, with a field for each of these

Every moment is a whole grid that points at the same coordinates and cells, which all readers understand.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from cellml.io.hdf5_image import hdf5_in_memory
from cellml.sim.output.series_data import moments, place_grids, system_of
from cellml.sim.solve import Solution, unit_of_species

VOLUME, MEMBRANES = "volume.xdmf", "membranes.xdmf"
_KIND = {"f": "Float", "i": "Int", "u": "UInt"}
_TOPOLOGY = {4: "Tetrahedron", 3: "Triangle"}


def write_xdmf_series(solution: Solution, folder: Path) -> None:
    """Write the series into a folder that exists; lengths are in nm, times in s, units stand at each field."""
    mesh, system = solution.mesh, system_of(solution)
    bulk = [name for name in system.slices if solution.model.species[name].bulk]
    if bulk:
        _write(
            folder / VOLUME, solution, bulk, mesh.points, mesh.tets, {"region": mesh.regions.astype(np.int32)}, np.arange(len(mesh.points))
        )
    sheets = [grid for grid in place_grids(solution) if not grid.bulk]
    if sheets:
        triangles, membrane = _triangles(solution, [grid.name for grid in sheets])
        nodes, cells = np.unique(triangles, return_inverse=True)
        on = [name for name in system.slices if name not in bulk]
        _write(folder / MEMBRANES, solution, on, mesh.points[nodes], cells.reshape(-1, 3), {"membrane": membrane}, nodes)


def _triangles(solution: Solution, places: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Triangles of some membranes, each once, and the number of the first membrane that has it, from 1."""
    spaces = system_of(solution).spaces
    corners = np.concatenate([spaces[name].corners for name in places])
    owner = np.repeat(np.arange(1, len(places) + 1, dtype=np.int32), [len(spaces[name].corners) for name in places])
    _, first = np.unique(np.sort(corners, axis=1), axis=0, return_index=True)
    first = np.sort(first)
    return corners[first], owner[first]


def _write(
    path: Path,
    solution: Solution,
    species: list[str],
    points: NDArray[np.float64],
    cells: NDArray[np.int64],
    of_cells: Mapping[str, NDArray[np.int32]],
    nodes: NDArray[np.int64],
) -> None:
    """nodes: point of the mesh behind each of the points."""
    beside = path.with_suffix(".h5")
    root = ElementTree.Element("Xdmf", Version="3.0")
    series = ElementTree.SubElement(
        ElementTree.SubElement(root, "Domain"), "Grid", Name="series", GridType="Collection", CollectionType="Temporal"
    )
    with hdf5_in_memory(beside) as file:
        shared: dict[str, NDArray[Any]] = {"points": points, "cells": cells, **of_cells}
        items = {name: _stored(file, name, values, beside.name) for name, values in shared.items()}
        for number, (time, fields) in enumerate(moments(solution)):
            grid = ElementTree.SubElement(series, "Grid", Name=f"{time:g} s", GridType="Uniform")
            ElementTree.SubElement(grid, "Time", Value=repr(float(time)))
            ElementTree.SubElement(grid, "Geometry", GeometryType="XYZ").append(items["points"])
            shape = {"TopologyType": _TOPOLOGY[cells.shape[1]], "NumberOfElements": str(len(cells))}
            ElementTree.SubElement(grid, "Topology", shape).append(items["cells"])
            for name in of_cells:
                ElementTree.SubElement(grid, "Attribute", Name=name, AttributeType="Scalar", Center="Cell").append(items[name])
            for name in species:
                field = ElementTree.SubElement(grid, "Attribute", Name=name, AttributeType="Scalar", Center="Node")
                ElementTree.SubElement(field, "Information", Name="unit", Value=unit_of_species(solution.model, name))
                field.append(_stored(file, f"{number:04d}/{name}", fields[name][nodes], beside.name))
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _stored(file: Any, name: str, values: NDArray[Any], beside: str) -> ElementTree.Element:
    file.create_dataset(name, data=values, compression="gzip", compression_opts=1, shuffle=True)
    described = {"DataType": _KIND[values.dtype.kind], "Precision": str(values.dtype.itemsize), "Format": "HDF"}
    item = ElementTree.Element("DataItem", described, Dimensions=" ".join(map(str, values.shape)))
    item.text = f"{beside}:/{name}"
    return item
