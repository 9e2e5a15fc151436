"""Marked edges: which edge of a tetrahedron, and of each of its faces, is halved next.

The tagged bisection of Arnold, Mukherjee and Pouly (SIAM J. Sci. Comput. 22, 2000). Every face of the mesh has one marked edge, the same
seen from both of its tetrahedra; every tetrahedron has a refinement edge, which is the marked edge of the two faces that meet there. The
marks of the children follow from those of the parent alone, and repeat with the third generation up to scale, so that any number of
bisections makes at most 72 shapes out of each tetrahedron of the first mesh.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.sim.adaptive.edges import TET_EDGES, TRIANGLE_EDGES, Floats, Index, edges_of

Marks = NDArray[np.int8]

# Orders of the corners that bring an edge (i, j) to the front and keep the orientation.
_TO_FRONT = {
    (0, 1): (0, 1, 2, 3),
    (0, 2): (0, 2, 3, 1),
    (0, 3): (0, 3, 1, 2),
    (1, 2): (1, 2, 0, 3),
    (1, 3): (1, 3, 2, 0),
    (2, 3): (2, 3, 0, 1),
}
_FRONT = np.array([_TO_FRONT[i, j] for i, j in TET_EDGES.tolist()])
_EDGE_NUMBER = np.array([[-1, 0, 1, 2], [0, -1, 3, 4], [1, 3, -1, 5], [2, 4, 5, -1]])


@dataclass(frozen=True, eq=False)
class MarkedTets:
    """Tetrahedra (T, 4), positively oriented, whose first two corners are the ends of their refinement edge.

    skipped: (T, 2), for the faces opposite corner 0 and corner 1 the corner (0–3) that does not belong to the marked edge of that face;
    flagged: (T,), of the tetrahedra whose marked edges lie in one plane, those that were made by bisecting another such one.
    """

    corners: Index
    skipped: Marks
    flagged: NDArray[np.bool_]

    def take(self, chosen: Index | NDArray[np.bool_]) -> MarkedTets:
        """Some of the tetrahedra."""
        return MarkedTets(self.corners[chosen], self.skipped[chosen], self.flagged[chosen])

    def joined(self, other: MarkedTets) -> MarkedTets:
        """These, then the others."""
        pairs = ((self.corners, other.corners), (self.skipped, other.skipped), (self.flagged, other.flagged))
        return MarkedTets(*(np.concatenate(pair) for pair in pairs))  # type: ignore[arg-type]

    @property
    def planar(self) -> NDArray[np.bool_]:
        """Which have all marked edges in one face, (T,): both other marked edges then skip the corner opposite that face."""
        return np.asarray((self.skipped[:, 0] == self.skipped[:, 1]) & (self.skipped[:, 0] >= 2))


def mark_longest(points: Floats, tets: Index) -> MarkedTets:
    """Mark the longest edge of each tetrahedron and of each face; of equally long ones the one with the smallest point numbers.

    An order of all edges of the mesh decides, so that two tetrahedra agree on their common face.
    """
    ends, numbers = edges_of(tets, TET_EDGES)
    ranks = _order(points, ends)[numbers]
    front = _FRONT[ranks.argmin(axis=1)]
    corners = np.take_along_axis(tets, front, axis=1)

    def edge_rank(i: int, j: int) -> Index:
        number = _EDGE_NUMBER[front[:, i], front[:, j]]
        return np.asarray(np.take_along_axis(ranks, number[:, None], axis=1)[:, 0])

    first = np.stack([edge_rank(2, 3), edge_rank(1, 3), edge_rank(1, 2)], axis=1).argmin(axis=1)
    second = np.stack([edge_rank(2, 3), edge_rank(0, 3), edge_rank(0, 2)], axis=1).argmin(axis=1)
    skipped = np.stack([np.array([1, 2, 3])[first], np.array([0, 2, 3])[second]], axis=1).astype(np.int8)
    return MarkedTets(corners, skipped, np.zeros(len(tets), bool))


def _order(points: Floats, ends: Index) -> Index:
    """Place (E,) of each edge, longest first; edges (E, 2) are sorted by point numbers, which breaks ties."""
    length = ((points[ends[:, 0]] - points[ends[:, 1]]) ** 2).sum(axis=1)
    place = np.empty(len(ends), np.int64)
    place[np.argsort(-length, kind="stable")] = np.arange(len(ends))
    return place


def mark_longest_of_facets(points: Floats, facets: Index) -> Index:
    """Facets (F, 3) turned so that their marked edge joins the first two corners, by the same order of edges as `mark_longest`."""
    ends, numbers = edges_of(facets, TRIANGLE_EDGES)
    first = _order(points, ends)[numbers].argmin(axis=1)
    return np.asarray(np.take_along_axis(facets, (first[:, None] + np.arange(3)) % 3, axis=1))


def halves(parents: MarkedTets, middle: Index) -> tuple[MarkedTets, MarkedTets]:
    """The two children of each tetrahedron; middle: (T,) numbers of the midpoints of their refinement edges.

    The face that a child has from its parent keeps its mark, which becomes the refinement edge; halved faces are marked opposite to the
    midpoint; the new face between the children likewise, except for flagged planar parents, where it is marked from the midpoint to the
    refinement edges of the children. Children of planar parents without a flag are flagged (Arnold et al., algorithm BisectTet).
    """
    planar = parents.planar
    swap = planar & parents.flagged
    flag = planar & ~parents.flagged
    # A flagged planar parent has its marked edges in face (0, 1, p) and skips q, the fourth corner, in both other faces; the new face
    # (midpoint, p, q) is then marked from the midpoint to p, and skips q too.
    fourth = parents.skipped[:, 0]
    children = []
    for side in (0, 1):
        corners = parents.corners.copy()
        corners[:, 1 - side] = middle
        skipped = np.empty((len(corners), 4), np.int8)
        skipped[:, 1 - side] = parents.skipped[:, 1 - side]
        skipped[:, [2, 3]] = 1 - side
        skipped[:, side] = np.where(swap, fourth, 1 - side)
        children.append(_in_order(corners, skipped, 1 - side, flag))
    return children[0], children[1]


def _in_order(corners: Index, skipped: Marks, inherited: int, flagged: NDArray[np.bool_]) -> MarkedTets:
    """Bring the refinement edge, the marked edge of the inherited face, to the front. skipped: (T, 4) for the face opposite each corner."""
    left_out = skipped[:, inherited].astype(np.int64)
    table = np.zeros((4, 4), np.int64)
    for corner in range(4):
        if corner != inherited:
            i, j = (k for k in range(4) if k not in (corner, inherited))
            table[corner] = _TO_FRONT[i, j]
    front = table[left_out]
    place = np.argsort(front, axis=1)
    marks = np.take_along_axis(skipped, front, axis=1)[:, :2].astype(np.int64)
    return MarkedTets(np.take_along_axis(corners, front, axis=1), np.take_along_axis(place, marks, axis=1).astype(np.int8), flagged)
