"""Time series as a ParaView collection: `series.pvd`, and in the folder `series/` a VTU file for each place and moment."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from cellml.sim.output.series_data import moments, place_grids, system_of
from cellml.sim.solve import Solution

COLLECTION, FOLDER = "series.pvd", "series"


def write_vtu_series(solution: Solution, folder: Path) -> None:
    """Write the series into a folder that exists: every compartment and membrane is a part of its own, with its own species and no gaps.

    Points are in nm, times in s.
    """
    import meshio

    (folder / FOLDER).mkdir()
    root = ElementTree.Element("VTKFile", type="Collection", version="0.1", byte_order="LittleEndian")
    collection = ElementTree.SubElement(root, "Collection")
    grids, spaces = list(place_grids(solution)), system_of(solution).spaces
    for number, (time, fields) in enumerate(moments(solution)):
        for part, grid in enumerate(grids):
            nodes = spaces[grid.name].nodes
            values = {name: np.ascontiguousarray(fields[name][nodes]) for name in grid.species}
            place = f"{FOLDER}/{part}_{re.sub(r'[^A-Za-z0-9_-]', '_', grid.name)}_{number:04d}.vtu"
            cells = [("tetra" if grid.bulk else "triangle", grid.cells)]
            meshio.vtu.write(folder / place, meshio.Mesh(grid.points, cells, point_data=values))
            ElementTree.SubElement(
                collection, "DataSet", {"timestep": repr(float(time)), "part": str(part), "name": grid.name, "group": "", "file": place}
            )
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(folder / COLLECTION, encoding="utf-8", xml_declaration=True)
