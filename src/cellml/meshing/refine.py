"""Refine background tetrahedra where straight edges do not follow the signed distance, conformingly.

A tetrahedron with an edge along which the signed distance is not nearly linear, near a surface, marks its longest edge; a tetrahedron with
any marked edge marks its longest one too, until nothing changes; marked edges are halved, the longest first. On a body-centred cubic
lattice this longest-edge bisection (Rivara 1984) stays within a few shapes with dihedral angles of at least 45° (Maubach 1995).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.cut import CutMesh, halve_edges
from cellml.meshing.left_out import Places
from cellml.meshing.topology import Index, edges_of

Floats = NDArray[np.float64]

_ROUNDS = 24  # of bisection; three halve the size
_NEAR = 0.6  # of its length: an edge whose middle is further from the surface than this cannot meet it


def refine(
    mesh: CutMesh,
    fields: Sequence[Callable[[Floats], Floats]],
    *,
    tolerance: float,
    smallest: float,
    most: int,
    places: Places | None = None,
) -> CutMesh:
    """Halve edges until |φ(middle) − mean φ(ends)| is within the tolerance on all edges near a surface that are not yet small.

    fields: signed distances φ, each of which takes points (P, 3) and returns nm; tolerance, smallest (longest edge that is not refined any
    further): nm; most: number of tetrahedra at which refinement ends; places: where long edges are halved whatever φ is on them, because
    a tunnel between their ends and their middle shows in none of the three. The values of the mesh are left to the caller.
    """
    values = [field(mesh.points) for field in fields]
    for _ in range(_ROUNDS):
        edges, edge_of = edges_of(mesh.tets)
        length = np.linalg.norm(mesh.points[edges[:, 1]] - mesh.points[edges[:, 0]], axis=1)
        middles = mesh.points[edges].mean(axis=1)
        bent = np.zeros(len(edges), bool) if places is None else places.too_long(middles, length)
        for field, value in zip(fields, values, strict=True):
            bent |= _bent(mesh.points, edges, length, field, value, tolerance, smallest)
        if not bent.any() or len(mesh.tets) >= most:
            return mesh
        longest = _longest(length, edge_of)
        marked = np.zeros(len(edges), bool)
        marked[longest[bent[edge_of].any(axis=1)]] = True
        _close(marked, longest, edge_of)
        before = len(mesh.points)
        mesh = halve_edges(mesh, edges[marked], np.full(int(marked.sum()), 0.5))
        values = [np.concatenate([value, field(mesh.points[before:])]) for field, value in zip(fields, values, strict=True)]
    return mesh


def _bent(
    points: Floats, edges: Index, length: Floats, field: Callable[[Floats], Floats], value: Floats, tolerance: float, smallest: float
) -> NDArray[np.bool_]:
    """Edges (E,) longer than the smallest, along which a field is not linear, and whose middle is near its zero."""
    ends = value[edges]
    # No edge that is much shorter than its distance to the surface needs a look.
    near = np.flatnonzero((length > 1.01 * smallest) & (np.abs(ends).min(axis=1) <= 1.2 * length))
    middle = field(0.5 * (points[edges[near, 0]] + points[edges[near, 1]]))
    bent = np.zeros(len(edges), bool)
    bent[near] = (np.abs(middle - ends[near].mean(axis=1)) > tolerance) & (np.abs(middle) <= _NEAR * length[near])
    return bent


def _longest(length: Floats, edge_of: Index) -> Index:
    """The longest edge of each tetrahedron; a tie between equal edges is broken by their number, the same in every tetrahedron."""
    rounded = np.round(length, 6)[edge_of]
    candidates = np.where(rounded == rounded.max(axis=1, keepdims=True), edge_of, -1)
    return np.asarray(candidates.max(axis=1))


def _close(marked: NDArray[np.bool_], longest: Index, edge_of: Index) -> None:
    """Mark the longest edge of every tetrahedron that has a marked one, until no tetrahedron lacks it."""
    while True:
        touched = longest[marked[edge_of].any(axis=1)]
        if marked[touched].all():
            return
        marked[touched] = True
