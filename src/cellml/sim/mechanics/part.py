"""Some regions of a mesh as a mesh of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cellml.sim.errors import SimulationError
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
    tets = mesh.tets[kept]
    corners = np.sort(tets, axis=1)
    faces = np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 1, 3]], corners[:, [0, 2, 3]], corners[:, [1, 2, 3]]])
    both = np.concatenate([np.sort(mesh.facets, axis=1), faces])
    _, number = np.unique(both, axis=0, return_inverse=True)
    bound = np.isin(number[: len(mesh.facets)], number[len(mesh.facets) :])
    return TetMesh(
        points=mesh.points,
        tets=tets,
        regions=mesh.regions[kept],
        region_names=mesh.region_names,
        facets=mesh.facets[bound],
        facet_tags=mesh.facet_tags[bound],
        facet_names=mesh.facet_names,
        name=mesh.name,
    )
