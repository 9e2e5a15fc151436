"""Local changes of a tetrahedral mesh, each undone unless the worst element around it gets better."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.editable import OUTSIDE, EditableMesh
from cellml.meshing.goal import cross
from cellml.meshing.neighbourhood import GAIN, Neighbourhood
from cellml.meshing.tetrahedron import TET_FACES

Floats = NDArray[np.float64]
Edge = tuple[int, int]

_LARGEST_RING = 8  # tetrahedra around an edge that is removed


def remove_face(place: Neighbourhood, face: tuple[int, int, int]) -> bool:
    """Replace the two tetrahedra at an inner facet by three around the line that joins their tips."""
    mesh = place.mesh
    pair = sorted(mesh.around(*face))
    if len(pair) != 2 or mesh.region(pair[0]) != mesh.region(pair[1]):
        return False
    tips = [next(v for v in mesh.corners(tet) if v not in face) for tet in pair]
    if mesh.around(*tips):
        return False
    before, mark, region = place.score(pair), mesh.mark(), mesh.region(pair[0])
    for tet in pair:
        mesh.remove(tet)
    a, b, c = face
    made = [mesh.add(_oriented(mesh, (u, v, tips[0], tips[1])), region) for u, v in ((a, b), (b, c), (c, a))]
    if not _same_space(mesh, pair, made):
        mesh.back_to(mark)
        return False
    return place.better(mark, before, made)


def remove_edge(place: Neighbourhood, a: int, b: int) -> bool:
    """Replace the tetrahedra around an inner edge by two fans over the ring around it, from its best corner."""
    mesh = place.mesh
    around = sorted(mesh.around(a, b))
    ring = _ring(mesh, a, b, around)
    if ring is None or len({mesh.region(tet) for tet in around}) > 1:
        return False
    before, region = place.score(around), mesh.region(around[0])
    best, best_score = None, before + GAIN
    for start in range(len(ring) if len(ring) > 3 else 1):
        mark = mesh.mark()
        made = _fan(mesh, a, b, ring[start:] + ring[:start], around, region)
        score = place.score(made) if made and _same_space(mesh, around, made) else -np.inf
        mesh.back_to(mark)
        if score > best_score:
            best, best_score = start, score
    if best is None:
        return False
    _fan(mesh, a, b, ring[best:] + ring[:best], around, region)
    return True


def _fan(mesh: EditableMesh, a: int, b: int, ring: list[int], around: Sequence[int], region: int) -> list[int]:
    """Make the change of `remove_edge`; empty if an edge or facet that it needs is there already."""
    apex = ring[0]
    if any(mesh.around(apex, other) for other in ring[2:-1]):
        return []
    if len(ring) == 3 and mesh.around(*ring):
        return []
    for tet in around:
        mesh.remove(tet)
    made = []
    for u, v in pairwise(ring[1:]):
        made += [mesh.add(_oriented(mesh, (apex, u, v, tip)), region) for tip in (a, b)]
    return made


def _ring(mesh: EditableMesh, a: int, b: int, around: Sequence[int]) -> list[int] | None:
    """Vertices around an inner edge in cyclic order; None at a boundary edge or where there are too many."""
    if not 3 <= len(around) <= _LARGEST_RING:
        return None
    links: dict[int, list[int]] = {}
    for tet in around:
        u, v = (corner for corner in mesh.corners(tet) if corner not in (a, b))
        links.setdefault(u, []).append(v)
        links.setdefault(v, []).append(u)
    if any(len(ends) != 2 for ends in links.values()):
        return None
    first = min(links)
    ring, previous = [first], None
    while True:
        one, other = links[ring[-1]]
        following = other if one == previous else one
        if following == first:
            return ring if len(ring) == len(links) else None
        previous = ring[-1]
        ring.append(following)


def collapse_edge(place: Neighbourhood, gone: int, kept: int) -> bool:
    """Pull a vertex onto a neighbour, if that changes no region's topology: the link condition (Dey et al. 1999) in all that meet there."""
    mesh = place.mesh
    if not _collapsible(place, gone, kept):
        return False
    star = sorted(mesh.star(gone))
    before, mark = place.score(star), mesh.mark()
    for tet in star:
        corners, region = mesh.corners(tet), mesh.region(tet)
        mesh.remove(tet)
        if kept not in corners:
            a, b, c, d = (kept if v == gone else v for v in corners)
            mesh.add((a, b, c, d), region)
    return place.better(mark, before, sorted(mesh.star(kept)))


def _collapsible(place: Neighbourhood, gone: int, kept: int) -> bool:
    mesh = place.mesh
    around = mesh.around(gone, kept)
    if not around:
        return False
    ring = {corner for tet in around for corner in mesh.corners(tet)} - {gone, kept}
    if mesh.neighbours(gone) & mesh.neighbours(kept) != ring:
        return False
    if _common_link_edges(mesh, gone, kept) != _link_edges(mesh, gone, kept, around):
        return False
    surface = mesh.surface_faces(gone)
    if not surface:
        return True
    kinds = {frozenset(mesh.sides(face)) for face in surface}
    at_edge = [face for face in surface if kept in face]
    if len(kinds) != 1 or len(at_edge) != 2 or place.on_wall(gone) or not _one_fan(surface, gone):
        return False
    if np.linalg.norm(mesh.points[gone] - mesh.points[kept]) > 4 * place.reach_nm and not _flat(mesh, surface, gone, place.reach_nm):
        return False
    own = {v for face in surface for v in face} - {gone, kept}
    other = {v for face in mesh.surface_faces(kept) for v in face} - {gone, kept}
    return own & other == {v for face in at_edge for v in face} - {gone, kept}


def _flat(mesh: EditableMesh, surface: Sequence[tuple[int, int, int]], vertex: int, reach: float) -> bool:
    """Whether a vertex lies within `reach` of the mean plane of its surface neighbours."""
    ring = np.array([mesh.points[v] for v in sorted({v for face in surface for v in face} - {vertex})])
    centre = ring.mean(axis=0)
    normal = np.linalg.svd(ring - centre)[2][2]
    distance = (np.vstack([ring, mesh.points[vertex]]) - centre) @ normal
    return bool(np.abs(distance).max() <= reach)


def _common_link_edges(mesh: EditableMesh, a: int, b: int) -> set[frozenset[int]]:
    return _all_link_edges(mesh, a, b) & _all_link_edges(mesh, b, a)


def _all_link_edges(mesh: EditableMesh, vertex: int, without: int) -> set[frozenset[int]]:
    """Edges opposite to a vertex in its tetrahedra, but those at another vertex."""
    edges = set()
    for tet in mesh.star(vertex):
        rest = [v for v in mesh.corners(tet) if v != vertex]
        edges |= {frozenset(pair) for pair in ((rest[0], rest[1]), (rest[1], rest[2]), (rest[2], rest[0])) if without not in pair}
    return edges


def _link_edges(mesh: EditableMesh, a: int, b: int, around: set[int]) -> set[frozenset[int]]:
    return {frozenset(v for v in mesh.corners(tet) if v not in (a, b)) for tet in around}


def _one_fan(surface: Sequence[tuple[int, int, int]], vertex: int) -> bool:
    """Whether facets at a vertex form one closed fan."""
    links: dict[int, list[int]] = {}
    for face in surface:
        u, v = (corner for corner in face if corner != vertex)
        links.setdefault(u, []).append(v)
        links.setdefault(v, []).append(u)
    if any(len(ends) != 2 for ends in links.values()):
        return False
    first = next(iter(links))
    seen, here = {first}, links[first][0]
    previous = first
    while here != first:
        seen.add(here)
        one, other = links[here]
        previous, here = here, (other if one == previous else one)
    return len(seen) == len(links)


def split_edge(place: Neighbourhood, a: int, b: int) -> bool:
    """Put a new vertex on an inner edge and move it to the best place."""
    mesh = place.mesh
    around = sorted(mesh.around(a, b))
    if _ring(mesh, a, b, around) is None or len({mesh.region(tet) for tet in around}) > 1:
        return False
    before, mark = place.score(around), mesh.mark()
    middle = mesh.new_vertex(0.5 * (mesh.points[a] + mesh.points[b]))
    for tet in around:
        corners, region = mesh.corners(tet), mesh.region(tet)
        mesh.remove(tet)
        for end in (a, b):
            p, q, r, s = (middle if v == end else v for v in corners)
            mesh.add((p, q, r, s), region)
    place.smooth(middle)
    return place.better(mark, before, sorted(mesh.star(middle)))


def peel(place: Neighbourhood, tet: int) -> bool:
    """Take away a flat tetrahedron that shows two facets to the outside, where that leaves the surface a surface."""
    mesh = place.mesh
    corners = mesh.corners(tet)
    outer = [i for i, face in enumerate(TET_FACES) if OUTSIDE in mesh.sides([corners[j] for j in face])]
    if len(outer) != 2 or any(place.on_wall(v) for v in corners) or place.score_of(tet) >= 1.0:
        return False
    # The two inner facets share the edge between the corners that the outer facets are opposite to.
    c, d = (corners[i] for i in outer)
    inner = [[corners[j] for j in face] for i, face in enumerate(TET_FACES) if i not in outer]
    if any(mesh.on_surface(face) for face in inner) or any(c in face and d in face for face in mesh.surface_faces(c)):
        return False
    if _height(mesh, corners) > place.reach_nm:
        return False
    before, mark = place.score(sorted(mesh.star(c) | mesh.star(d))), mesh.mark()
    mesh.remove(tet)
    return place.better(mark, before, sorted(mesh.star(c) | mesh.star(d)))


def _same_space(mesh: EditableMesh, old: Sequence[int], new: Sequence[int]) -> bool:
    """Whether new tetrahedra fill what old ones filled, neither overlapping nor leaving out anything."""
    was, now = (float(np.abs(_volumes(mesh, tets)).sum()) for tets in (old, new))
    return abs(now - was) <= 1e-9 * was


def _volumes(mesh: EditableMesh, tets: Sequence[int]) -> Floats:
    corners = np.array([[mesh.points[v] for v in mesh.corners(tet)] for tet in tets])
    side = corners[:, 1:] - corners[:, :1]
    return np.asarray(np.einsum("ij,ij->i", side[:, 0], cross(side[:, 1], side[:, 2])) / 6.0)


def _height(mesh: EditableMesh, corners: Sequence[int]) -> float:
    """Smallest height of a tetrahedron, nm."""
    p = np.array([mesh.points[v] for v in corners])
    volume = abs(np.dot(p[1] - p[0], np.cross(p[2] - p[0], p[3] - p[0]))) / 2.0
    area = max(0.5 * float(np.linalg.norm(np.cross(p[b] - p[a], p[c] - p[a]))) for a, b, c in TET_FACES)
    return volume / area if area > 0 else 0.0


def _oriented(mesh: EditableMesh, corners: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    a, b, c, d = (mesh.points[v] for v in corners)
    if np.dot(b - a, cross(c - a, d - a)) < 0:
        return corners[0], corners[1], corners[3], corners[2]
    return corners
