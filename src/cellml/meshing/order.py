"""What is asked of a mesh, whatever it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cellml.meshing.errors import MeshingError
from cellml.meshing.facets import Membranes
from cellml.meshing.gate import Gate
from cellml.meshing.patches import Patches


@dataclass(frozen=True, eq=False)
class Order:
    """What is asked of a mesh.

    edge_nm: largest edge; gate: limits to be reached; names: of the regions; membranes: names of facets by the pair of regions that they
    separate; patches: named parts of membranes; largest_only: keep the largest piece of a single region; name: of the mesh.
    """

    edge_nm: float
    gate: Gate
    names: Mapping[int, str]
    membranes: Membranes
    patches: Patches
    largest_only: bool
    name: str


def largest_edge(edge_nm: float | None, voxel_nm: float) -> float:
    """The largest edge in nm, five voxels where none is given. Raises MeshingError below one voxel and for what is no length."""
    if edge_nm is None:
        return 5.0 * voxel_nm
    if not np.isfinite(edge_nm) or edge_nm <= 0:
        raise MeshingError(f"edge_nm must be a positive length in nm, got {edge_nm}.")
    if edge_nm < voxel_nm * (1 - 1e-9):
        raise MeshingError(
            f"edge_nm = {edge_nm:g} is below the voxel size ({voxel_nm:g} nm): the labels hold no finer shape. Give at least "
            f"{voxel_nm:g}; a finer mesh for a solver is better made by refining this one."
        )
    return float(edge_nm)
