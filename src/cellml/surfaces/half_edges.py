"""Which face continues which across each edge, and the manifold surface that follows from it.

Half-edge 3f + i of face f runs from its corner i to its corner i + 1. Where more than two faces meet at an edge, those continue each other
that enclose a wedge of the inside between them. Cutting every vertex into the fans of faces so connected leaves a manifold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components

from cellml.meshing.topology import Index, edges_of

Floats = NDArray[np.float64]


def match_half_edges(vertices: Floats, faces: Index) -> Index:
    """The half-edge that continues each half-edge in the neighbouring face, (3F,), or -1 at a border; faces: (F, 3), oriented."""
    opposite = _match_pairs(faces)
    edges, edge_of = edges_of(faces)
    uses = np.bincount(edge_of.ravel(), minlength=len(edges))
    crowded = np.flatnonzero(uses > 2)
    order = np.argsort(edge_of.ravel(), kind="stable")
    start = np.concatenate([[0], np.cumsum(uses)])
    for edge in crowded:
        halves = order[start[edge] : start[edge + 1]]
        for a, b in _wedges(vertices, faces, edges[edge], halves):
            opposite[a], opposite[b] = b, a
    return opposite


def cut_into_fans(vertices: Floats, faces: Index, opposite: Index) -> tuple[Floats, Index, int]:
    """Give each fan of faces around a vertex its own copy of the vertex.

    Returns vertices, faces and the number of copies added; where opposite is a matching of half-edges, the result is a manifold, with a
    border where half-edges have no match.
    """
    half = np.flatnonzero(opposite >= 0)
    other = opposite[half]
    joins = [_same_vertex(faces, half, other, end) for end in (0, 1)]
    rows, columns = np.concatenate([a for a, _ in joins]), np.concatenate([b for _, b in joins])
    graph = coo_matrix((np.ones(len(rows), bool), (rows, columns)), shape=(faces.size,) * 2)
    count, fan = connected_components(graph, directed=False)
    vertex_of_fan = np.zeros(count, np.int64)
    vertex_of_fan[fan] = faces.ravel()
    added = count - len(np.unique(faces))
    return vertices[vertex_of_fan], fan.reshape(-1, 3).astype(np.int64), added


def part_shared_edges(vertices: Floats, faces: Index) -> tuple[Floats, Index, int]:
    """Give pairs of faces that share both ends of an edge with other pairs, but do not continue them, a middle vertex of their own.

    A surface may run twice along one edge, through the same two vertices, after a contact was cut apart: a manifold as a surface, not as a
    list of triangles. Returns vertices, faces and the number of vertices added.
    """
    added = 0
    while True:
        edges, edge_of = edges_of(faces)
        uses = np.bincount(edge_of.ravel(), minlength=len(edges))
        crowded = np.flatnonzero(uses > 2)
        if len(crowded) == 0:
            return vertices, faces, added
        halves = np.flatnonzero(edge_of.ravel() == crowded[0])
        pairs = _wedges(vertices, faces, edges[crowded[0]], halves)
        single = [(int(h),) for h in halves if not any(h in pair for pair in pairs)]
        for group in [*pairs, *single][1:]:
            faces = _halve(faces, np.array(group), len(vertices))
            vertices = np.concatenate([vertices, vertices[edges[crowded[0]]].mean(axis=0, keepdims=True)])
            added += 1


def face_components(opposite: Index) -> tuple[int, Index]:
    """Number of parts of a surface connected through matched half-edges, and the part of each face, (F,)."""
    half = np.flatnonzero(opposite >= 0)
    faces = len(opposite) // 3
    graph = coo_matrix((np.ones(len(half), bool), (half // 3, opposite[half] // 3)), shape=(faces, faces))
    count, member = connected_components(graph, directed=False)
    return int(count), np.asarray(member, np.int64)


def orient_consistently(faces: Index) -> tuple[Index, Index, bool]:
    """Turn faces so that neighbours across ordinary edges (two faces) run through them in opposite directions.

    Each connected patch keeps the orientation of most of its faces. Returns the faces, the numbers of those turned, and whether the patches
    are orientable at all.
    """
    opposite = _match_pairs(faces)
    half = np.flatnonzero(opposite >= 0)
    start = faces.ravel()
    disagree = start[half] == start[opposite[half]]
    patches, patch = face_components(opposite)
    turn = _parity(len(faces), half // 3, opposite[half] // 3, disagree, patch, patches)
    orientable = bool(((turn[half // 3] != turn[opposite[half] // 3]) == disagree).all())
    most = np.bincount(patch, weights=turn, minlength=patches) * 2 > np.bincount(patch, minlength=patches)
    turn ^= most[patch]
    return np.where(turn[:, None], faces[:, ::-1], faces), np.flatnonzero(turn), orientable


def _halve(faces: Index, halves: Index, middle: int) -> Index:
    """Cut the faces of half-edges into two at a vertex in the middle of these; the first half stays in place."""
    face, local = halves // 3, halves % 3
    second = faces[face].copy()
    second[np.arange(len(face)), local] = middle
    faces = faces.copy()
    faces[face, (local + 1) % 3] = middle
    return np.concatenate([faces, second])


def _match_pairs(faces: Index) -> Index:
    edges, edge_of = edges_of(faces)
    uses = np.bincount(edge_of.ravel(), minlength=len(edges))
    order = np.argsort(edge_of.ravel(), kind="stable")
    first = np.concatenate([[0], np.cumsum(uses)[:-1]])[uses == 2]
    opposite = np.full(faces.size, -1, np.int64)
    opposite[order[first]], opposite[order[first + 1]] = order[first + 1], order[first]
    return opposite


def _wedges(vertices: Floats, faces: Index, edge: Index, halves: Index) -> list[tuple[int, int]]:
    """Pairs of half-edges at one edge whose faces bound a wedge of the inside, by turning around the edge.

    Looking against the edge, a face that runs along it has the inside clockwise of itself, one that runs against it anticlockwise.
    """
    face, local = halves // 3, halves % 3
    along = faces[face, local] == edge[0]
    axis = vertices[edge[1]] - vertices[edge[0]]
    arm = vertices[faces[face, (local + 2) % 3]] - vertices[edge[0]]
    arm = arm - np.outer(arm @ axis, axis) / max(float(axis @ axis), 1e-300)
    side = np.cross(axis, arm[0])
    angle = np.arctan2(arm @ side / max(float(np.linalg.norm(axis)), 1e-300), arm @ arm[0])
    ring = [int(k) for k in np.lexsort((along, angle))]
    pairs = []
    k = 0
    while len(ring) > 1 and k < len(ring):
        before, after = ring[k], ring[(k + 1) % len(ring)]
        if not along[before] and along[after]:
            pairs.append((int(halves[before]), int(halves[after])))
            ring = [r for r in ring if r not in (before, after)]
            k = 0
        else:
            k += 1
    return pairs


def _same_vertex(faces: Index, half: Index, other: Index, end: int) -> tuple[Index, Index]:
    """Corners of two neighbouring faces at the same end of their common edge."""
    corner = 3 * (half // 3) + (half % 3 + end) % 3
    vertex = faces.ravel()[corner]
    near, far = other, 3 * (other // 3) + (other % 3 + 1) % 3
    return corner, np.where(faces.ravel()[near] == vertex, near, far)


def _parity(nodes: int, a: Index, b: Index, odd: NDArray[np.bool_], patch: Index, patches: int) -> NDArray[np.bool_]:
    """For each node, whether an odd number of odd links leads to it from the first node of its patch, along a spanning tree."""
    root = nodes
    first = np.full(patches, nodes)
    np.minimum.at(first, patch, np.arange(nodes))
    # Weight 1 for even and 2 for odd links; a hub joins all patches so that one search reaches every node.
    rows, columns = np.concatenate([a, first]), np.concatenate([b, np.full(patches, root)])
    weights = np.concatenate([1 + odd.astype(np.int64), np.ones(patches, np.int64)])
    keep = np.unique(np.stack([np.minimum(rows, columns), np.maximum(rows, columns)]), axis=1, return_index=True)[1]
    graph = coo_matrix((weights[keep], (rows[keep], columns[keep])), shape=(nodes + 1,) * 2).tocsr()
    graph = graph + graph.T
    order, parent = breadth_first_order(graph, root, directed=False)
    parent[root] = root
    child = order[1:]
    parity = np.zeros(nodes + 1, bool)
    parity[child] = np.asarray(graph[child, parent[child]]).ravel() == 2
    # Pointer doubling: after k rounds each node knows the parity of its 2ᵏ nearest links.
    while (parent != root).any():
        parity = parity ^ parity[parent]
        parent = parent[parent]
    return parity[:nodes]
