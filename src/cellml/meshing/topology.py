"""Facets, components and Euler numbers of voxel objects, triangle surfaces and tetrahedral meshes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from cellml.meshing.tetrahedron import TET_EDGES, TET_FACES

Index = NDArray[np.int64]


@dataclass(frozen=True)
class FacetPairs:
    """Each facet of a tetrahedral mesh once, with the tetrahedra on its two sides.

    facets: (F, 3), counter-clockwise seen from outside the first tetrahedron; first: (F,); second: (F,), -1 on the outer boundary;
    shared: (F,), how many tetrahedra own the facet (1 or 2 in a conforming mesh).
    """

    facets: Index
    first: Index
    second: Index
    shared: Index


def facet_pairs(tets: Index) -> FacetPairs:
    """Match the facets of tetrahedra, tets: (T, 4)."""
    faces = tets[:, TET_FACES].reshape(-1, 3)
    owner = np.repeat(np.arange(len(tets)), 4)
    keys = _keys(np.sort(faces, axis=1))
    order = np.argsort(keys, kind="stable")
    _, start, count = np.unique(keys[order], return_index=True, return_counts=True)
    first = order[start]
    second = np.where(count > 1, owner[order[np.minimum(start + 1, len(order) - 1)]], -1)
    return FacetPairs(faces[first], owner[first], second, count)


def boundary_facets(tets: Index) -> Index:
    """Facets owned by exactly one tetrahedron, (F, 3), counter-clockwise seen from outside; tets: (T, 4)."""
    pairs = facet_pairs(tets)
    return pairs.facets[pairs.shared == 1]


def facet_components(tets: Index) -> tuple[int, Index]:
    """Number of components of tetrahedra connected through facets, and the component of each, (T,); tets: (T, 4)."""
    pairs = facet_pairs(tets)
    inner = pairs.second >= 0
    return components(len(tets), pairs.first[inner], pairs.second[inner])


def region_components(pairs: FacetPairs, regions: NDArray[np.int32]) -> dict[int, int]:
    """Number of components of each region, connected through its own facets; regions: (T,)."""
    inner = (pairs.second >= 0) & (regions[pairs.first] == regions[pairs.second])
    count, member = components(len(regions), pairs.first[inner], pairs.second[inner])
    owner = np.zeros(count, regions.dtype)
    owner[member] = regions
    numbers, counts = np.unique(owner, return_counts=True)
    return {int(n): int(c) for n, c in zip(numbers, counts, strict=True)}


def edges_of(cells: Index) -> tuple[Index, Index]:
    """Edges of triangles (N, 3) or tetrahedra (N, 4): unique edges (E, 2), lower index first, and the edge of each (cell, local edge)."""
    local = TET_EDGES if cells.shape[1] == 4 else np.array([[0, 1], [1, 2], [2, 0]])
    pairs = np.sort(cells[:, local].reshape(-1, 2), axis=1)
    _, first, inverse = np.unique(_keys(pairs), return_index=True, return_inverse=True)
    return pairs[first], inverse.reshape(len(cells), len(local))


@dataclass(frozen=True)
class SurfaceTopology:
    """What a triangle surface is, combinatorially.

    closed: every edge has an even number of faces; manifold: every edge has two faces and the faces around each vertex form one fan;
    oriented: each edge is run through once in either direction by its two faces; euler: V − E + F; components: parts connected through
    edges; defects: vertices at non-manifold edges or with several fans, (D,).
    """

    closed: bool
    manifold: bool
    oriented: bool
    euler: int
    components: int
    defects: Index


def surface_topology(faces: Index) -> SurfaceTopology:
    """Topology of a triangle surface, faces: (F, 3)."""
    edges, edge_of = edges_of(faces)
    uses = np.bincount(edge_of.ravel(), minlength=len(edges))
    forward = (faces < np.roll(faces, -1, axis=1)).ravel()
    runs = np.bincount(edge_of.ravel(), weights=np.where(forward, 1.0, -1.0), minlength=len(edges))
    several_fans = _vertices_with_several_fans(faces, edge_of)
    defects = np.union1d(edges[uses != 2].ravel(), several_fans)
    vertices = len(np.unique(faces))
    return SurfaceTopology(
        closed=bool((uses % 2 == 0).all()),
        manifold=len(defects) == 0,
        oriented=bool((runs == 0).all()),
        euler=vertices - len(edges) + len(faces),
        components=_faces_joined_by_edges(faces, edge_of)[0],
        defects=defects,
    )


def voxel_euler_number(mask: NDArray[np.bool_]) -> int:
    """Euler number of the boundary surface of 6-connected voxels.

    χ(∂M) = 2 χ(M), and χ(M) = n₀ − n₁ + n₂ − n₃ over voxels, adjacent pairs, full 2×2 squares and full 2×2×2 blocks (Kong & Rosenfeld
    1989). mask: (Z, Y, X). A ball gives 2, a torus 0, a ball with a cavity 4.
    """
    counts = [mask]
    total = int(mask.sum())
    for axis in range(3):
        # Each step adds the cells that extend along this axis: pairs first, then squares, then blocks.
        joined = [(_and_next(part, axis), sign) for part, sign in _signed(counts)]
        total += sum(-sign * int(part.sum()) for part, sign in joined)
        counts += [part for part, _ in joined]
    return 2 * total


def _signed(parts: list[NDArray[np.bool_]]) -> list[tuple[NDArray[np.bool_], int]]:
    """Parts 0, 1, 2, … with the sign of their dimension, which is the number of ones in the binary index."""
    return [(part, -1 if index.bit_count() % 2 else 1) for index, part in enumerate(parts)]


def _and_next(mask: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    last = mask.shape[axis]
    return np.asarray(np.take(mask, range(last - 1), axis=axis) & np.take(mask, range(1, last), axis=axis))


def _keys(rows: Index) -> Index:
    """One number for each row of non-negative indices; rows are equal where numbers are."""
    base = int(rows.max()) + 1 if rows.size else 1
    if base ** rows.shape[1] < 2**63:
        return np.asarray(rows @ (base ** np.arange(rows.shape[1], dtype=np.int64)))
    return np.asarray(np.unique(rows, axis=0, return_inverse=True)[1]).reshape(-1)


def components(nodes: int, a: Index, b: Index) -> tuple[int, Index]:
    """Number of connected components of a graph of `nodes` nodes with edges (a, b), and the component of each node, (nodes,)."""
    graph = coo_matrix((np.ones(len(a), bool), (a, b)), shape=(nodes, nodes))
    count, member = connected_components(graph, directed=False)
    return int(count), np.asarray(member, dtype=np.int64)


def _faces_joined_by_edges(faces: Index, edge_of: Index) -> tuple[int, Index]:
    order = np.argsort(edge_of.ravel(), kind="stable")
    edge, face = edge_of.ravel()[order], order // 3
    same = edge[1:] == edge[:-1]
    return components(len(faces), face[:-1][same], face[1:][same])


def _vertices_with_several_fans(faces: Index, edge_of: Index) -> Index:
    """Vertices whose faces are not connected to each other through the edges at that vertex.

    Corners of faces are joined where two faces share an edge, separately at each end of that edge: a vertex with one fan is one component.
    """
    order = np.argsort(edge_of.ravel(), kind="stable")
    edge, face, local = edge_of.ravel()[order], order // 3, order % 3
    same = np.flatnonzero(edge[1:] == edge[:-1])
    joins = []
    for end in (0, 1):
        corner = face * 3 + (local + end) % 3
        vertex = faces.ravel()[corner]
        other = face[same + 1] * 3 + np.where(
            vertex[same] == faces.ravel()[corner[same + 1]], (local[same + 1] + end) % 3, (local[same + 1] + 1 - end) % 3
        )
        joins.append((corner[same], other))
    _, fan = components(faces.size, np.concatenate([a for a, _ in joins]), np.concatenate([b for _, b in joins]))
    pairs = np.unique(np.stack([faces.ravel(), fan], axis=1), axis=0)
    vertex, fans = np.unique(pairs[:, 0], return_counts=True)
    return np.asarray(vertex[fans > 1])
