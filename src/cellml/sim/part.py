"""Some tetrahedra of a mesh as a mesh of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cellml.types import TetMesh


def part_of(mesh: TetMesh, tets: NDArray[np.bool_]) -> TetMesh:
    """The mesh of some tetrahedra (T,) on the same points, with the tagged facets that are faces of them.

    Points keep their numbers, so that results at the points of the part are results at the points of the whole; interfaces with the rest
    become boundary and keep their names.
    """
    if tets.all():
        return mesh
    corners = np.sort(mesh.tets[tets], axis=1)
    faces = np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 1, 3]], corners[:, [0, 2, 3]], corners[:, [1, 2, 3]]])
    _, number = np.unique(np.concatenate([np.sort(mesh.facets, axis=1), faces]), axis=0, return_inverse=True)
    kept = np.isin(number[: len(mesh.facets)], number[len(mesh.facets) :])
    return replace(mesh, tets=mesh.tets[tets], regions=mesh.regions[tets], facets=mesh.facets[kept], facet_tags=mesh.facet_tags[kept])
