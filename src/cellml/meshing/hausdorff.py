"""The largest distance from one set of pieces to another, to a stated tolerance.

d_H(A, B) = max over a in A of d(a, B) is sought by branch and bound: a small triangle of A cannot hold a larger distance than
min(d(centroid) + reach, largest distance of its corners to the piece nearest to the centroid), the first because a distance changes no
faster than its point moves, the second because the distance to a convex piece is a convex function. Triangles that cannot exceed what is
found are dropped, the others quartered (after Guthe, Borodin & Klein 2005, "Fast and accurate Hausdorff distance calculation between
meshes").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cellml.meshing.closest import Pieces, closest
from cellml.meshing.surface_samples import barycentric_cut, describe

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

_QUARTERS = barycentric_cut(2)
_PROBES = 64  # small triangles furthest away, whose corners are tried first: a maximum found early prunes most of the rest
_MOST = 60_000  # small triangles, or twice those given: where as many may hold the maximum, the search ends with a wider tolerance


def largest_distance(
    corners: Floats, distance: Floats, near: Index, target: Pieces, tree: cKDTree, *, tolerance: float
) -> tuple[float, float]:
    """Largest distance of any point of triangles to the nearest target piece, and by how much it may be too small.

    corners: (S, 3, 3); distance: (S,), of some point of each; near: (S,), a target piece close to each; tree: of `target.samples`;
    tolerance: in the same unit, at which the search ends.
    """
    best, most = float(distance.max()), max(_MOST, 2 * len(corners))
    while True:
        best = max(best, _probe(corners, distance, target, tree))
        bound = _corner_bound(corners, target, near)
        left = bound > best + tolerance
        corners, bound = corners[left], bound[left]
        if len(corners) == 0:
            return best, tolerance
        small = describe(corners, np.zeros(len(corners), np.int64))
        distance, near = closest(target, small.centroids, tree)
        best = max(best, float(distance.max()))
        bound = np.minimum(distance + small.reach, np.minimum(bound, _corner_bound(corners, target, near)))
        left = bound > best + tolerance
        if not left.any():
            return best, tolerance
        if 4 * int(left.sum()) > most:
            return best, float(bound.max()) - best
        corners = np.einsum("abk,fkd->fabd", _QUARTERS, corners[left]).reshape(-1, 3, 3)
        distance, near = np.repeat(distance[left], 4), np.repeat(near[left], 4)


def _corner_bound(corners: Floats, target: Pieces, piece: Index) -> Floats:
    """Largest distance of the corners of each triangle (S, 3, 3) to one piece, (S,)."""
    return np.asarray(np.max([target.distances(corners[:, i], piece) for i in range(3)], axis=0))


def _probe(corners: Floats, distance: Floats, target: Pieces, tree: cKDTree) -> float:
    """Largest distance at the corners of the triangles that are furthest away."""
    first = np.argpartition(-distance, min(_PROBES, len(distance) - 1))[:_PROBES]
    return float(closest(target, corners[first].reshape(-1, 3), tree)[0].max())
