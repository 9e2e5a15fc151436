"""Neighbours in a closed, oriented, manifold triangle surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.meshing.topology import Index

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class EdgeTable:
    """Each edge once, with its two faces.

    edges: (E, 2) vertices a < b; faces: (E, 2), the face that runs a → b, and the one that runs b → a; opposite: (E, 2) the third corner of
    either.
    """

    edges: Index
    faces: Index
    opposite: Index


def edge_table(faces: Index) -> EdgeTable:
    """Edges of a closed, oriented manifold, faces: (F, 3). Raises CellmlError where the surface is not one."""
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    base = int(faces.max()) + 1
    forward, backward = np.flatnonzero(start < end), np.flatnonzero(start > end)
    key, back_key = start[forward] * base + end[forward], end[backward] * base + start[backward]
    order, back_order = np.argsort(key), np.argsort(back_key)
    key, back_key = key[order], back_key[back_order]
    if len(key) != len(back_key) or (key != back_key).any() or (key[1:] == key[:-1]).any():
        raise CellmlError("The surface is not closed, oriented and manifold; pass it through cellml.surfaces.repair first.")
    left, right = forward[order], backward[back_order]
    third = np.stack([3 * (half // 3) + (half % 3 + 2) % 3 for half in (left, right)], axis=1)
    return EdgeTable(np.stack([start[left], end[left]], axis=1), np.stack([left // 3, right // 3], axis=1), start[third])


@dataclass(frozen=True)
class Incidence:
    """Lists of different lengths, one for each node: `items[start[n]:start[n + 1]]`."""

    items: Index
    start: Index

    def of(self, nodes: Index) -> tuple[Index, Index]:
        """The items of some nodes, one after the other, and the place in `nodes` that each belongs to."""
        first, count = self.start[nodes], self.start[nodes + 1] - self.start[nodes]
        owner = np.repeat(np.arange(len(nodes)), count)
        within = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
        return self.items[first[owner] + within], owner


def faces_at_vertices(faces: Index, vertices: int) -> Incidence:
    """The faces around each vertex."""
    return _lists(faces.ravel(), np.repeat(np.arange(len(faces)), 3), vertices)


def neighbours(edges: Index, vertices: int) -> Incidence:
    """The vertices that an edge joins to each vertex."""
    return _lists(edges.T.ravel(), edges[:, ::-1].T.ravel(), vertices)


def _lists(nodes: Index, items: Index, count: int) -> Incidence:
    order = np.argsort(nodes, kind="stable")
    return Incidence(items[order], np.concatenate([[0], np.cumsum(np.bincount(nodes, minlength=count))]))


def far_apart(table: EdgeTable, chosen: Index, urgency: Floats, vertices: int) -> Index:
    """Edges with no vertex of one at or next to a vertex of another, the most urgent first.

    chosen: (N,) edges to pick from; urgency: (N,), about 0 to 1, larger is sooner. Collapses of such edges touch different faces and keep
    each other's links. Returns places in `chosen`.
    """
    ends, rank = table.edges[chosen], _ranks(urgency)
    best = _highest(ends, rank, vertices)
    near = best.copy()
    np.maximum.at(near, table.edges[:, 0], best[table.edges[:, 1]])
    np.maximum.at(near, table.edges[:, 1], best[table.edges[:, 0]])
    return np.flatnonzero((near[ends] == rank[:, None]).all(axis=1))


def without_common_vertex(claims: Index, urgency: Floats, vertices: int) -> Index:
    """Rows of claims, (N, k) vertices, no two of which share one, the most urgent first."""
    rank = _ranks(urgency)
    return np.flatnonzero((_highest(claims, rank, vertices)[claims] == rank[:, None]).all(axis=1))


def _ranks(urgency: Floats) -> Index:
    """Places in order of urgency, by steps of a tenth and shuffled within: an ordered row of equals would be taken one at a time."""
    rank = np.empty(len(urgency), np.int64)
    shuffled = np.random.default_rng(0).permutation(len(urgency))
    rank[np.lexsort((shuffled, np.floor(10.0 * urgency)))] = np.arange(1, len(urgency) + 1)
    return rank


def _highest(claims: Index, rank: Index, vertices: int) -> Index:
    best = np.zeros(vertices, np.int64)
    for column in claims.T:
        np.maximum.at(best, column, rank)
    return best
