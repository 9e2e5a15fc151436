"""XDMF 3 with its numbers in an HDF5 file beside it (`cell.xdmf` and `cell.xdmf.h5`), as ParaView opens it.

One grid of mixed cells: tetrahedra with the cell data `region`, then facets with `tag`. float64. The names stand as a line of JSON in the
attribute `cellml_names` of the HDF5 file, for XDMF has no place for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.io.beside import stands_beside
from cellml.io.hdf5_image import hdf5_in_memory
from cellml.io.hdf5_own import sound_dataset
from cellml.io.mesh_format import Extras
from cellml.io.mesh_grid import grid_of_mesh, mesh_of_grid
from cellml.io.mesh_names import KEY, names_line
from cellml.io.plain_xml import require_plain_xml
from cellml.types import TetMesh

BESIDE = ("{name}.h5",)
_TYPE = {"tetra": 6, "triangle": 4}  # XDMF's numbers, which stand before the corners of each cell of a mixed topology
_KIND = {"f": "Float", "i": "Int", "u": "UInt"}


def read(path: Path) -> tuple[TetMesh, str]:
    """Read a mesh and its unit. Raises FileError without tetrahedra or HDF5 file; meshio's own errors for damaged files."""
    import meshio

    require_plain_xml(path, doctype=True)
    _require_beside(path)
    return mesh_of_grid(meshio.xdmf.read(path), _names(path), path)


def _require_beside(path: Path) -> None:
    """Raise FileError where numbers stand elsewhere than in the folder of the XML, for a name can point at anything on the disk, and
    CellmlError where an array promises more than the free memory.
    """
    import h5py

    folder = path.parent
    for item in ElementTree.parse(path).iter("DataItem"):
        kind, text = item.get("Format", "XML").upper(), (item.text or "").strip()
        name, _, inside = text.rpartition(":") if kind == "HDF" else (text, "", "")
        if kind == "XML" or not name:
            continue
        if kind != "HDF" or not stands_beside(folder / name, path):
            raise FileError(
                f"{path} takes its numbers from {name}, outside of its own folder, which is not followed; put the two side by side."
                if kind == "HDF"
                else f"{path} takes its numbers from {name}, a file of Format={kind}, which is not followed; have them written as HDF."
            )
        if (folder / name).is_file():
            with h5py.File(folder / name, "r") as file:
                sound_dataset(file, inside, folder / name)


def write(mesh: TetMesh, paths: list[Path], extras: Extras) -> None:
    """Write the XML to the first path and the numbers, compressed, to the second."""
    text, numbers = paths
    grid = grid_of_mesh(mesh, extras)
    arrays: dict[str, NDArray[Any]] = {"points": grid.points, "cells": _mixed(grid.cells)}
    arrays |= {f"point/{name}": np.asarray(values) for name, values in grid.point_data.items()}
    arrays |= {f"cell/{name}": np.concatenate(blocks) for name, blocks in grid.cell_data.items()}
    with hdf5_in_memory(numbers) as file:
        file.attrs[KEY] = names_line(mesh, extras.unit)
        for name, values in arrays.items():
            file.create_dataset(name, data=values, compression="gzip", compression_opts=1, shuffle=True)
    cells = sum(len(block.data) for block in grid.cells)
    ElementTree.ElementTree(_tree(arrays, cells, extras)).write(text, encoding="utf-8", xml_declaration=True)


def _mixed(blocks: Any) -> NDArray[np.int64]:
    """Every cell as the number of its kind and its corners, one after the other."""
    rows = [np.insert(block.data, 0, _TYPE[block.type], axis=1).ravel() for block in blocks]
    return np.concatenate(rows).astype(np.int64)


def _tree(arrays: Mapping[str, NDArray[Any]], cells: int, extras: Extras) -> ElementTree.Element:
    root = ElementTree.Element("Xdmf", Version="3.0")
    root.append(ElementTree.Comment(f" lengths in {extras.unit} "))
    grid = ElementTree.SubElement(ElementTree.SubElement(root, "Domain"), "Grid", Name="mesh", GridType="Uniform")
    geometry = ElementTree.SubElement(grid, "Geometry", GeometryType="XYZ")
    topology = ElementTree.SubElement(grid, "Topology", TopologyType="Mixed", NumberOfElements=str(cells))
    _item(geometry, "points", arrays, extras)
    _item(topology, "cells", arrays, extras)
    for name in arrays:
        place, _, quantity = name.partition("/")
        if quantity:
            kind = {1: "Scalar", 2: "Vector"}.get(arrays[name].ndim, "Matrix")
            centre = "Node" if place == "point" else "Cell"
            _item(ElementTree.SubElement(grid, "Attribute", Name=quantity, AttributeType=kind, Center=centre), name, arrays, extras)
    return root


def _item(parent: ElementTree.Element, name: str, arrays: Mapping[str, NDArray[Any]], extras: Extras) -> None:
    array = arrays[name]
    described = {"DataType": _KIND[array.dtype.kind], "Precision": str(array.dtype.itemsize), "Format": "HDF"}
    item = ElementTree.SubElement(parent, "DataItem", described, Dimensions=" ".join(map(str, array.shape)))
    item.text = f"{extras.beside[0]}:/{name}"


def _names(path: Path) -> str | bytes | None:
    """The names in the HDF5 file that the XML points at, or None where another program wrote it."""
    import h5py

    items = [item.text or "" for item in ElementTree.parse(path).iter("DataItem") if item.get("Format") == "HDF"]
    places = {path.parent / text.strip().rsplit(":", 1)[0] for text in items if ":" in text}
    for numbers in sorted(places):
        if not numbers.is_file():
            raise FileError(f"{path} keeps its numbers in {numbers}, which is not there. Move or copy the two files together.")
        with h5py.File(numbers, "r") as file:
            if KEY in file.attrs:
                return str(file.attrs[KEY])
    return None
