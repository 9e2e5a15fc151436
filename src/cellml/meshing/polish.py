"""Mend the few bad tetrahedra and facets that global optimisation leaves.

Around each bad tetrahedron local changes are tried, from the mild to the strong: moving its corners, removing an edge or a face, collapsing
an edge, splitting an edge, peeling a flat tetrahedron off the outer surface (Freitag & Ollivier-Gooch 1997; Klingner & Shewchuk 2007). A
change stays only if the worst tetrahedron and facet around it are better than before, so quality never falls. Corners on a surface stay
within a small distance of where they were, and those on a plane cut stay on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.changes import collapse_edge, peel, remove_edge, remove_face, split_edge
from cellml.meshing.editable import EditableMesh
from cellml.meshing.goal import Goal
from cellml.meshing.neighbourhood import Neighbourhood
from cellml.meshing.tetrahedron import TET_EDGES, TET_FACES
from cellml.meshing.topology import Index, facet_pairs
from cellml.meshing.watch import Watch

Floats = NDArray[np.float64]

_ROUNDS = 4
_HOPELESS = 0.05  # of the tetrahedra: where more are bad, the mesh is beyond mending one by one, which would take minutes
_FEW = 200  # bad tetrahedra that are mended whatever their share


@dataclass(frozen=True, eq=False)
class Polished:
    """The mesh after polishing, how many tetrahedra and facets were bad before and after, and how many changes were made."""

    points: Floats
    tets: Index
    regions: NDArray[np.int32]
    bad_before: int
    bad_after: int
    changes: int


def polish(
    points: Floats,
    tets: Index,
    regions: NDArray[np.int32],
    planes: Mapping[tuple[int, int], float],
    *,
    goal: Goal,
    reach_nm: float,
    watch: Watch | None = None,
) -> Polished:
    """Improve a mesh where it misses the goal.

    points: (P, 3), columns (x, y, z) in nm; tets: (T, 4); regions: (T,); planes: coordinate of each wall by (axis, side), axes (z, y, x),
    in which points that lie in it exactly stay; reach_nm: how far a point of a surface may move; watch: when its time is over, what is
    still bad stays so. All arrays are new; unused points are gone. A mesh that is mostly bad is left as it is.
    """
    bad = _bad(points, tets, regions, goal)
    if len(bad) == 0 or len(bad) > max(_HOPELESS * len(tets), _FEW):
        return Polished(points, tets, regions, len(bad), len(bad), 0)
    mesh = EditableMesh(points, tets, regions)
    place = Neighbourhood(mesh, goal, [(2 - axis, value) for (axis, _), value in planes.items()], reach_nm)
    before, changes = len(bad), 0
    changed: set[int] | None = None
    for _ in range(_ROUNDS):
        made, changed = _round(place, bad, changed, watch)
        changes += made
        new_points, new_tets, new_regions = mesh.arrays()
        bad = np.flatnonzero(mesh.living())[_bad(new_points, new_tets, new_regions, goal)]
        if len(bad) == 0 or made == 0:
            break
    used, inverse = np.unique(new_tets, return_inverse=True)
    return Polished(new_points[used], inverse.reshape(-1, 4), new_regions, before, len(bad), changes)


def _bad(points: Floats, tets: Index, regions: NDArray[np.int32], goal: Goal) -> Index:
    """Numbers of the tetrahedra that miss the goal or own a surface facet that does, the worst first."""
    score = goal.tets(points[tets])
    pairs = facet_pairs(tets)
    surface = (pairs.second < 0) | (regions[pairs.first] != regions[pairs.second])
    facet_score = goal.facets(points[pairs.facets[surface]])
    np.minimum.at(score, pairs.first[surface], facet_score)
    bad = np.flatnonzero(score < 1.0)
    return bad[np.argsort(score[bad], kind="stable")]


def _round(place: Neighbourhood, bad: Index, before: set[int] | None, watch: Watch | None) -> tuple[int, set[int]]:
    """Try to mend bad tetrahedra once; returns how many changes were kept, and the vertices around them.

    before: the same of the last round: where nothing has changed since, nothing new can be found (None: everywhere).
    """
    made, changed = 0, set[int]()
    for tet in bad.tolist():
        corners = place.mesh.corners(tet)
        if watch is not None and watch.over:
            break
        if before is not None and not any(v in before or v in changed for v in corners):
            continue
        around = set.union(*(place.mesh.neighbours(v) for v in corners))
        kept = _mend(place, tet)
        if kept:
            made += kept
            changed |= around
    return made, changed


def _mend(place: Neighbourhood, tet: int) -> int:
    """Try changes around a tetrahedron until it is good or gone; returns how many were kept."""
    kept = 0
    for attempt in _attempts(place, tet):
        if not place.mesh.alive(tet) or place.score_of(tet) >= 1.0:
            break
        kept += attempt()
    return kept


def _attempts(place: Neighbourhood, tet: int) -> list[Callable[[], bool]]:
    corners = place.mesh.corners(tet)
    edges = [(corners[i], corners[j]) for i, j in TET_EDGES]
    faces = [(corners[a], corners[b], corners[c]) for a, b, c in TET_FACES]
    result: list[Callable[[], bool]] = [lambda v=v: place.smooth(v) for v in corners]  # type: ignore[misc]
    result += [lambda f=f: remove_face(place, f) for f in faces]  # type: ignore[misc]
    result += [lambda e=e: remove_edge(place, *e) for e in edges]  # type: ignore[misc]
    result += [lambda: peel(place, tet)]
    result += [lambda e=e: collapse_edge(place, *e) for pair in edges for e in (pair, pair[::-1])]  # type: ignore[misc]
    result += [lambda e=e: split_edge(place, *e) for e in edges]  # type: ignore[misc]
    return result
