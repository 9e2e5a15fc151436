"""Corners that coincide become one vertex, and faces that span no area or repeat each other go.

Only corners at open edges, or at the two ends of an edge without length, are joined: two sheets that merely touch stay two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from cellml.meshing.topology import Index, edges_of

Floats = NDArray[np.float64]


def weld(vertices: Floats, faces: Index, tolerance: float) -> tuple[Index, int]:
    """Join vertices at open edges that lie within a tolerance (nm) of each other, and the ends of edges without length.

    vertices: (V, 3); faces: (F, 3). Returns the faces with joined vertices (some may have lost a corner) and the number of vertices joined.
    """
    edges, edge_of = edges_of(faces)
    uses = np.bincount(edge_of.ravel(), minlength=len(edges))
    border = np.unique(edges[uses == 1])
    pairs = border[cKDTree(vertices[border]).query_pairs(tolerance, output_type="ndarray")] if len(border) else np.zeros((0, 2), np.int64)
    short = edges[np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1) == 0]
    joined = np.concatenate([pairs.reshape(-1, 2), short])
    if len(joined) == 0:
        return faces, 0
    graph = coo_matrix((np.ones(len(joined), bool), (joined[:, 0], joined[:, 1])), shape=(len(vertices),) * 2)
    count, member = connected_components(graph, directed=False)
    representative = np.full(count, len(vertices))
    np.minimum.at(representative, member, np.arange(len(vertices)))
    return np.asarray(representative[member][faces], np.int64), len(vertices) - count


def without_lost_corners(faces: Index) -> Index:
    """Faces with three different corners."""
    a, b, c = faces.T
    return faces[(a != b) & (b != c) & (c != a)]


def without_repeats(faces: Index) -> Index:
    """One face for each set of corners, turned as most of its copies; none where as many run one way as the other (a doubled wall)."""
    _, first, group = np.unique(np.sort(faces, axis=1), axis=0, return_index=True, return_inverse=True)
    turn = np.where(_even(faces), 1, -1)
    net = np.bincount(group.reshape(-1), weights=turn, minlength=len(first)).astype(int)
    copies = np.bincount(group.reshape(-1), minlength=len(first))
    keep = (net != 0) | (copies == 1)
    chosen = faces[first[keep]]
    turned = np.sign(net[keep]) != turn[first[keep]]
    return np.where(turned[:, None], chosen[:, ::-1], chosen)[np.argsort(first[keep])]


def without_unused(vertices: Floats, faces: Index) -> tuple[Floats, Index]:
    """Vertices that a face uses, and faces that point at them."""
    used, renumbered = np.unique(faces, return_inverse=True)
    return vertices[used], renumbered.reshape(-1, 3).astype(np.int64)


def _even(faces: Index) -> NDArray[np.bool_]:
    """Whether a face lists its corners in an even permutation of their order."""
    a, b, c = faces.T
    return np.asarray(((a < b).astype(int) + (b < c) + (c < a)) == 2)
