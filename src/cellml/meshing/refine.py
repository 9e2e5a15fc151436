"""Refine background tetrahedra where straight edges do not follow the signed distance, conformingly.

A tetrahedron with an edge along which the signed distance is not nearly linear, near a surface, marks its longest edge; a tetrahedron with
any marked edge marks its longest one too, until nothing changes; marked edges are halved, the longest first. On a body-centred cubic
lattice this longest-edge bisection (Rivara 1984) stays within a few shapes with dihedral angles of at least 45° (Maubach 1995).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.cut import CutMesh, halve_edges
from cellml.meshing.topology import Index, edges_of

Floats = NDArray[np.float64]

_ROUNDS = 24  # of bisection; three halve the size
_NEAR = 0.6  # of its length: an edge whose middle is further from the surface than this cannot meet it


def refine(mesh: CutMesh, value_at: Callable[[Floats], Floats], *, tolerance: float, smallest: float, most: int) -> CutMesh:
    """Halve edges until |φ(middle) − mean φ(ends)| is within the tolerance on all edges near the surface that are not yet small.

    mesh: its values are φ at the points, in nm; value_at: φ at points (P, 3); tolerance, smallest (longest edge that is not refined any
    further): nm; most: number of tetrahedra at which refinement ends.
    """
    for _ in range(_ROUNDS):
        edges, edge_of = edges_of(mesh.tets)
        ends = mesh.points[edges]
        length = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
        long = length > 1.01 * smallest
        # No edge that is much longer than its distance to the surface needs a look.
        near = long & (np.abs(mesh.values[edges]).min(axis=1) <= 1.2 * length)
        middle = np.full(len(edges), np.inf)
        middle[near] = value_at(ends[near].mean(axis=1))
        bent = np.zeros(len(edges), bool)
        bent[near] = np.abs(middle[near] - mesh.values[edges[near]].mean(axis=1)) > tolerance
        bent &= np.abs(middle) <= _NEAR * length
        if not bent.any() or len(mesh.tets) >= most:
            return mesh
        longest = _longest(length, edge_of)
        marked = np.zeros(len(edges), bool)
        marked[longest[bent[edge_of].any(axis=1)]] = True
        _close(marked, longest, edge_of)
        before = len(mesh.points)
        mesh = halve_edges(mesh, edges[marked], np.full(int(marked.sum()), 0.5))
        mesh.values[before:] = value_at(mesh.points[before:])
    return mesh


def _longest(length: Floats, edge_of: Index) -> Index:
    """The longest edge of each tetrahedron; a tie between equal edges is broken by their number, the same in every tetrahedron."""
    rank = np.empty(len(length), np.int64)
    rank[np.lexsort((np.arange(len(length)), np.round(length, 6)))] = np.arange(len(length))
    return np.asarray(edge_of[np.arange(len(edge_of)), rank[edge_of].argmax(axis=1)])


def _close(marked: NDArray[np.bool_], longest: Index, edge_of: Index) -> None:
    """Mark the longest edge of every tetrahedron that has a marked one, until no tetrahedron lacks it."""
    while True:
        touched = longest[marked[edge_of].any(axis=1)]
        if marked[touched].all():
            return
        marked[touched] = True
