"""Some regions of a mesh as a mesh of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cellml.sim.errors import SimulationError
from cellml.sim.part import part_of
from cellml.types import TetMesh


def keep_regions(mesh: TetMesh, regions: Sequence[str]) -> TetMesh:
    """The tetrahedra of named regions; interfaces with the other regions become boundary and keep their names.

    Points keep their numbers, so that results at the points of the part (NaN elsewhere) are results at the points of the whole. Facets that
    bound no kept tetrahedron are left out. Raises SimulationError for an unknown region, listing the known ones.
    """
    names = {int(n): mesh.region_names.get(int(n), str(int(n))) for n in np.unique(mesh.regions)}
    if unknown := sorted(set(regions) - set(names.values())):
        raise SimulationError(f"{mesh.name!r} has no region {', '.join(unknown)}; it has {', '.join(sorted(names.values()))}.")
    kept = np.isin(mesh.regions, [number for number, name in names.items() if name in set(regions)])
    if not kept.any():
        raise SimulationError(f"No region of {mesh.name!r} is named; it has {', '.join(sorted(names.values()))}.")
    return part_of(mesh, kept)
