"""Refine background tetrahedra where the shape is thin, conformingly.

A tetrahedron that is too large marks its longest edge; a tetrahedron with any marked edge marks its longest one too, until nothing changes;
marked edges are halved, the longest first. On a body-centred cubic lattice this longest-edge bisection (Rivara 1984) stays within a few
shapes with dihedral angles of at least 45° (Maubach 1995).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.cut import CutMesh, halve_edges
from cellml.meshing.topology import edges_of

Floats = NDArray[np.float64]

_ROUNDS = 40  # of bisection; three halve the size


def refine(mesh: CutMesh, size_at: Callable[[Floats], Floats], *, most: int) -> CutMesh:
    """Halve edges until the longest edge of each tetrahedron is at most the size wanted at its middle or its corners.

    size_at: wanted size in nm at points (P, 3); most: number of tetrahedra at which refinement ends.
    """
    wanted = size_at(mesh.points)
    for _ in range(_ROUNDS):
        edges, edge_of = edges_of(mesh.tets)
        length = np.linalg.norm(mesh.points[edges[:, 1]] - mesh.points[edges[:, 0]], axis=1)
        # A tie between equal edges is broken by their number, the same in every tetrahedron.
        rank = np.empty(len(edges), np.int64)
        rank[np.lexsort((np.arange(len(edges)), np.round(length, 6)))] = np.arange(len(edges))
        longest = edge_of[np.arange(len(edge_of)), rank[edge_of].argmax(axis=1)]
        marked = np.zeros(len(edges), bool)
        marked[longest[length[longest] > 1.01 * wanted[mesh.tets].min(axis=1)]] = True
        if not marked.any() or len(mesh.tets) >= most:
            return mesh
        while True:
            touched = marked[edge_of].any(axis=1)
            if marked[longest[touched]].all():
                break
            marked[longest[touched]] = True
        before = len(mesh.points)
        mesh = halve_edges(mesh, edges[marked], np.full(int(marked.sum()), 0.5))
        wanted = np.concatenate([wanted, size_at(mesh.points[before:])])
    return mesh
