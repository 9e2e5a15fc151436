"""Self-intersections of a triangle surface, exact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.box_pairs import overlapping_boxes
from cellml.meshing.predicates import Orientation
from cellml.meshing.topology import Index

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def crossing_facets(points: Floats, faces: Index, owner: Index | None = None) -> Index:
    """Pairs of facets that share more than a common vertex or edge, (N, 2), lower number first.

    Facets without a common vertex must not touch; facets with one must meet there only; facets with a common edge must not be folded onto
    each other; facets with the same three vertices are the same twice. Every decision is exact (see `cellml.meshing.predicates`): contact
    counts, however small, and round-off does not. points: (P, 3); faces: (F, 3). Facets of exactly zero area have no inside and are not
    compared: `flat_facets` finds them. owner: (F,), the object of each facet where only facets of different objects are to be compared.
    """
    orientation = Orientation(points)
    kept = np.flatnonzero(~_flat(orientation, faces))
    corners = points[faces[kept]]
    found = [np.zeros((0, 2), np.int64)]
    for i, j in overlapping_boxes(corners.min(axis=1), corners.max(axis=1)):
        a, b = kept[np.minimum(i, j)], kept[np.maximum(i, j)]
        if owner is not None:
            others = owner[a] != owner[b]
            a, b = a[others], b[others]
        found.append(np.stack([a, b], axis=1)[_cross(orientation, faces[a], faces[b])])
    pairs = np.concatenate(found)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def flat_facets(points: Floats, faces: Index) -> Index:
    """Facets whose corners lie exactly on a line, (N,); points: (P, 3); faces: (F, 3)."""
    return np.flatnonzero(_flat(Orientation(points), faces))


def hanging_vertices(points: Floats, faces: Index, crossing: Index) -> Index:
    """Vertices of one facet of a crossing pair that lie exactly on the other without being its corner, (N,).

    Where tetrahedra meet that do not share whole facets, such vertices hang in the middle of an edge or a facet. crossing: (N, 2), from
    `crossing_facets`.
    """
    orientation = Orientation(points)
    found = [np.zeros(0, np.int64)]
    for own, other in (crossing.T, crossing.T[::-1]):
        for corner in range(3):
            vertex, facet = faces[own, corner], faces[other]
            rows = np.flatnonzero(~(facet == vertex[:, None]).any(axis=1))
            in_plane = orientation.of_tetrahedra(np.concatenate([facet[rows], vertex[rows, None]], axis=1)) == 0
            rows = rows[in_plane]
            on_it = _meets_in_plane(orientation, np.stack([vertex[rows], vertex[rows]], axis=1), facet[rows])
            found.append(vertex[rows[on_it]])
    return np.unique(np.concatenate(found))


def _flat(orientation: Orientation, faces: Index) -> Flags:
    flat = np.ones(len(faces), bool)
    for axis in range(3):
        flat[flat] = orientation.of_triangles(faces[flat], axis) == 0
    return flat


def _cross(orientation: Orientation, a: Index, b: Index) -> Flags:
    """Whether facets of the same row, (N, 3) and (N, 3) vertices, share more than a vertex or an edge."""
    shared = (a[:, :, None] == b[:, None, :]).any(axis=2)
    common = shared.sum(axis=1)
    crossed = common == 3
    for count, test in ((0, _apart), (1, _at_vertex), (2, _at_edge)):
        rows = np.flatnonzero(common == count)
        crossed[rows] = test(orientation, _own_first(a[rows], b[rows]), _own_first(b[rows], a[rows]))
    return crossed


def _own_first(faces: Index, others: Index) -> Index:
    """Corners of facets turned so that those shared with the other facet come last, (N, 3)."""
    shared = (faces[:, :, None] == others[:, None, :]).any(axis=2)
    return np.asarray(np.take_along_axis(faces, np.argsort(shared, axis=1, kind="stable"), axis=1))


def _apart(orientation: Orientation, a: Index, b: Index) -> Flags:
    """Facets without a common vertex meet if an edge of either meets the other."""
    near = np.flatnonzero(~_one_side(orientation, a, b, 3))
    near = near[~_one_side(orientation, b[near], a[near], 3)]
    crossed = np.zeros(len(a), bool)
    for one, other in ((a, b), (b, a)):
        for edge in ([0, 1], [1, 2], [2, 0]):
            rest = near[~crossed[near]]
            crossed[rest] = _meets(orientation, one[rest][:, edge], other[rest])
    return crossed


def _at_vertex(orientation: Orientation, a: Index, b: Index) -> Flags:
    """Facets with one common vertex, their last, share more if the edge opposite to it in either meets the other.

    From a second common point the ray away from the vertex stays in both until it leaves one of them through that edge.
    """
    near = np.flatnonzero(~_one_side(orientation, a, b, 2))
    near = near[~_one_side(orientation, b[near], a[near], 2)]
    crossed = np.zeros(len(a), bool)
    for one, other in ((a, b), (b, a)):
        rest = near[~crossed[near]]
        crossed[rest] = _meets(orientation, one[rest][:, :2], other[rest])
    return crossed


def _at_edge(orientation: Orientation, a: Index, b: Index) -> Flags:
    """Facets with a common edge, their last two corners, share more if they lie in a plane on the same side of it."""
    crossed = np.zeros(len(a), bool)
    rows = np.flatnonzero(orientation.of_tetrahedra(np.concatenate([a, b[:, :1]], axis=1)) == 0)
    for axis in range(3):
        sides = [orientation.of_triangles(facet[rows][:, [1, 2, 0]], axis) for facet in (a, np.concatenate([b[:, :1], a[:, 1:]], axis=1))]
        crossed[rows] |= (sides[0] != 0) & (sides[0] == sides[1])
    return crossed


def _one_side(orientation: Orientation, a: Index, b: Index, corners: int) -> Flags:
    """Whether the first corners of `a` lie strictly on one side of the plane of `b`."""
    sides = [orientation.of_tetrahedra(np.concatenate([b, a[:, i : i + 1]], axis=1)) for i in range(corners)]
    return np.asarray((np.min(sides, axis=0) > 0) | (np.max(sides, axis=0) < 0))


def _meets(orientation: Orientation, segment: Index, facet: Index) -> Flags:
    """Whether segments (N, 2) touch facets (N, 3) of the same row, ends and borders included."""
    p, q = (orientation.of_tetrahedra(np.concatenate([facet, segment[:, i : i + 1]], axis=1)) for i in (0, 1))
    met = np.zeros(len(segment), bool)
    across = np.flatnonzero((p * q <= 0) & ((p != 0) | (q != 0)))
    # The line pierces the facet if its three edges run around it the same way.
    turns = [
        orientation.of_tetrahedra(np.concatenate([segment[across], facet[across][:, edge]], axis=1)) for edge in ([0, 1], [1, 2], [2, 0])
    ]
    met[across] = (np.min(turns, axis=0) >= 0) | (np.max(turns, axis=0) <= 0)
    flat = np.flatnonzero((p == 0) & (q == 0))
    met[flat] = _meets_in_plane(orientation, segment[flat], facet[flat])
    return met


def _meets_in_plane(orientation: Orientation, segment: Index, facet: Index) -> Flags:
    """The same for segments in the plane of their facets: two convex sets are apart if an edge of one separates them."""
    met = np.zeros(len(segment), bool)
    todo = np.arange(len(segment))
    for axis in range(3):
        way = orientation.of_triangles(facet[todo], axis)
        rows, way = todo[way != 0], way[way != 0]
        todo = np.setdiff1d(todo, rows, assume_unique=True)
        apart = np.zeros(len(rows), bool)
        for edge in ([0, 1], [1, 2], [2, 0]):
            sides = [
                orientation.of_triangles(np.concatenate([facet[rows][:, edge], segment[rows][:, i : i + 1]], axis=1), axis) * way
                for i in (0, 1)
            ]
            apart |= np.max(sides, axis=0) < 0
        sides = [orientation.of_triangles(np.concatenate([segment[rows], facet[rows][:, i : i + 1]], axis=1), axis) for i in range(3)]
        apart |= (np.min(sides, axis=0) > 0) | (np.max(sides, axis=0) < 0)
        met[rows] = ~apart
    return met
