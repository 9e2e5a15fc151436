"""HDF5 of FEniCS (legacy dolfin 2019), with the names that SMART reads: /mesh, /mf3 with the regions, /mf2 with the facet tags.

float64. dolfin finds the entities of a mesh function by their corners, so /mf2 lists every facet, 0 where it has no tag. The names stand as
a line of JSON in the attribute `cellml_names` of the file, which dolfin passes over.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.io.hdf5_image import hdf5_in_memory
from cellml.io.hdf5_own import whole_array
from cellml.io.mesh_format import Extras
from cellml.io.mesh_functions import facet_function, outward, positive
from cellml.io.mesh_names import KEY, names_line, read_names
from cellml.types import TetMesh


def read(path: Path) -> tuple[TetMesh, str]:
    """Read /mesh, /mf3 and /mf2 (regions are 1 and facets none where these are missing), and the unit.

    The order of a facet's corners is lost: facets point out of the mesh, or out of the region with the lower number.
    """
    import h5py

    with h5py.File(path, "r") as file:
        if "mesh/topology" not in file or "mesh/coordinates" not in file:
            raise FileError(f"{path} has no /mesh/topology and /mesh/coordinates; it holds {', '.join(file) or 'nothing'}.")
        known = read_names(str(file.attrs[KEY]) if KEY in file.attrs else None, path)
        points, tets = whole_array(file, "mesh/coordinates", path), whole_array(file, "mesh/topology", path).astype(np.int64)
        regions = whole_array(file, "mf3/values", path) if "mf3/values" in file else np.ones(len(tets))
        facets = whole_array(file, "mf2/topology", path).astype(np.int64) if "mf2/values" in file else np.zeros((0, 3), np.int64)
        tags = whole_array(file, "mf2/values", path) if "mf2/values" in file else np.zeros(0)
    if tets.ndim != 2 or tets.shape[1] != 4:
        raise FileError(f"{path} holds cells of shape {tets.shape}, no tetrahedra (T, 4).")
    # dolfin fills what was never set with the largest number of its type
    tagged = (tags > 0) & (tags < 2**31)
    tets, numbers = positive(points, tets), regions.astype(np.int32)
    facets = outward(tets, numbers, facets[tagged])
    return TetMesh(points, tets, numbers, known.regions, facets, tags[tagged].astype(np.int32), known.facets, known.name), known.unit


def write(mesh: TetMesh, paths: list[Path], extras: Extras) -> None:
    """Write the mesh and its two mesh functions. Raises CellmlError for what a mesh function cannot hold."""
    extras.refuse_data("dolfin's HDF5")
    function = facet_function(mesh)
    with hdf5_in_memory(paths[0]) as file:
        file.attrs[KEY] = names_line(mesh, extras.unit)
        file["mesh/coordinates"] = mesh.points
        _topology(file.create_group("mf3"), mesh.tets, "tetrahedron", mesh.regions)
        _topology(file.create_group("mf2"), function.facets, "triangle", function.values)
        for group in ("mf3", "mf2"):
            file[f"{group}/coordinates"] = file["mesh/coordinates"]  # dolfin asks for them; a hard link takes no space
        for name in ("topology", "cell_indices"):
            file[f"mesh/{name}"] = file[f"mf3/{name}"]


def _topology(group: Any, cells: NDArray[np.int64], kind: str, values: NDArray[Any]) -> None:
    group["topology"] = cells.astype(np.int64)
    group["topology"].attrs["celltype"] = np.bytes_(kind)  # dolfin reads strings of fixed length only
    group["topology"].attrs["partition"] = np.zeros(1, np.uint64)
    group["cell_indices"] = np.arange(len(cells), dtype=np.uint64)
    group["values"] = values.astype(np.uint64)
