"""A mesh as dolfinx reads it: XDMF with one grid for the tetrahedra, one for their regions and one for the facet tags.

dolfinx reads grids of one kind of cell each and finds tags by the corners of cells, so the mixed grid that `cellml.io` writes for
ParaView will not do.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from cellml.io.hdf5_image import hdf5_in_memory
from cellml.sim.domain import UM_PER_NM
from cellml.types import TetMesh

GRID, REGIONS, FACETS = "mesh", "regions", "facets"


def write_fenicsx_mesh(mesh: TetMesh, path: Path) -> None:
    """Write `path` (.xdmf) and the numbers beside it (.h5), in µm.

    Points of no tetrahedron are left out, for dolfinx has no place for them.
    """
    used, tets = np.unique(mesh.tets, return_inverse=True)
    numbers = path.with_suffix(".h5")
    arrays: dict[str, NDArray[np.generic]] = {
        "points": mesh.points[used] * UM_PER_NM,
        "tets": tets.reshape(-1, 4).astype(np.int64),
        "regions": mesh.regions.astype(np.int32),
        "facets": np.searchsorted(used, mesh.facets).astype(np.int64),
        "tags": mesh.facet_tags.astype(np.int32),
    }
    with hdf5_in_memory(numbers) as file:
        for name, values in arrays.items():
            file.create_dataset(name, data=values)
    root = ElementTree.Element("Xdmf", Version="3.0")
    domain = ElementTree.SubElement(root, "Domain")
    for grid, cells, kind, data in (
        (GRID, "tets", "Tetrahedron", ""),
        (REGIONS, "tets", "Tetrahedron", "regions"),
        (FACETS, "facets", "Triangle", "tags"),
    ):
        if len(arrays[cells]):
            _grid(domain, grid, cells, kind, data, arrays, numbers.name)
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _grid(
    domain: ElementTree.Element, name: str, cells: str, kind: str, values: str, arrays: dict[str, NDArray[np.generic]], numbers: str
) -> None:
    grid = ElementTree.SubElement(domain, "Grid", Name=name, GridType="Uniform")
    count, corners = arrays[cells].shape
    topology = ElementTree.SubElement(grid, "Topology", TopologyType=kind, NumberOfElements=str(count), NodesPerElement=str(corners))
    _item(topology, cells, arrays[cells], numbers)
    _item(ElementTree.SubElement(grid, "Geometry", GeometryType="XYZ"), "points", arrays["points"], numbers)
    if values:
        _item(ElementTree.SubElement(grid, "Attribute", Name=name, AttributeType="Scalar", Center="Cell"), values, arrays[values], numbers)


def _item(parent: ElementTree.Element, name: str, array: NDArray[np.generic], numbers: str) -> None:
    kind = {"f": "Float", "i": "Int"}[array.dtype.kind]
    described = {"NumberType": kind, "Precision": str(array.dtype.itemsize), "Format": "HDF"}
    ElementTree.SubElement(parent, "DataItem", described, Dimensions=" ".join(map(str, array.shape))).text = f"{numbers}:/{name}"
