"""What a mesh is, measured without the code that made it.

Nothing here comes from `cellml.meshing`: the certificate of a mesh is judged by other formulas, against the labels that were given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from reference import Floats, Reference, points_on, to_triangles
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Index = NDArray[np.int64]


class Tetrahedra(Protocol):
    """A mesh of any origin: points (P, 3), columns (x, y, z) in nm; tets (T, 4), positive; regions (T,)."""

    points: Floats
    tets: Index
    regions: NDArray[np.int32]


@dataclass(frozen=True)
class Boundary:
    """One region. volume_error: against its reference; distances (99th percentile) from mesh to reference and back, in longest voxel edges;
    thickness 2 V / A in voxels (cube root of the volume); odd_edges: edges without exactly two facets; pinched: vertices
    where sheets meet that share no edge there.
    """

    volume_error: float
    thickness: float
    distance_p99: float
    distance_back_p99: float
    components: int
    euler: int
    components_before: int
    euler_before: int
    odd_edges: int
    pinched: int = 0


@dataclass(frozen=True)
class Measures:
    """A whole mesh, angles in degrees; shared_too_often: facets of more than two tetrahedra; lost: references without a tetrahedron."""

    tets: int
    dihedral_min: float
    dihedral_p1: float
    tets_below_10: int
    surface_angle_min: float
    surface_angle_max: float
    shared_too_often: int
    regions: dict[int, Boundary]
    lost: tuple[int, ...]


def measure(mesh: Tetrahedra, references: Mapping[int, Reference]) -> Measures:
    """Measure a mesh against the reference of each region number."""
    dihedral = dihedral_angles(mesh.points[mesh.tets])
    _, uses = np.unique(np.sort(facets_of(mesh.tets), axis=1), axis=0, return_counts=True)
    boundaries = {n: region_boundary(mesh.tets[mesh.regions == n]) for n in references if (mesh.regions == n).any()}
    angles = corner_angles(mesh.points[np.concatenate(list(boundaries.values()))])
    return Measures(
        tets=len(mesh.tets),
        dihedral_min=float(dihedral.min()),
        dihedral_p1=float(np.percentile(dihedral, 1)),
        tets_below_10=int((dihedral.min(axis=1) < 10).sum()),
        surface_angle_min=float(angles.min()),
        surface_angle_max=float(angles.max()),
        shared_too_often=int((uses > 2).sum()),
        regions={n: _boundary(mesh, mesh.tets[mesh.regions == n], faces, references[n]) for n, faces in boundaries.items()},
        lost=tuple(n for n in references if n not in boundaries),
    )


def dihedral_angles(corners: Floats) -> Floats:
    """Dihedral angles (T, 6) in degrees of tetrahedra (T, 4, 3): between the other two corners as seen along each edge."""
    angles = []
    for i, j in combinations(range(4), 2):
        k, m = (corner for corner in range(4) if corner not in (i, j))
        axis = corners[:, j] - corners[:, i]
        axis = axis / np.linalg.norm(axis, axis=1, keepdims=True)
        u, v = (corners[:, c] - corners[:, i] for c in (k, m))
        u, v = (w - np.einsum("ij,ij->i", w, axis)[:, None] * axis for w in (u, v))
        angles.append(np.arctan2(np.linalg.norm(np.cross(u, v), axis=1), np.einsum("ij,ij->i", u, v)))
    return np.degrees(np.stack(angles, axis=1))


def corner_angles(corners: Floats) -> Floats:
    """Angles (F, 3) in degrees of triangles (F, 3, 3) by the law of cosines."""
    side = np.stack([np.linalg.norm(corners[:, (i + 1) % 3] - corners[:, (i + 2) % 3], axis=1) for i in range(3)], axis=1)
    a, b, c = side, np.roll(side, -1, axis=1), np.roll(side, -2, axis=1)
    return np.degrees(np.arccos(np.clip((b**2 + c**2 - a**2) / (2 * b * c), -1, 1)))


def facets_of(tets: Index) -> Index:
    """The four facets of each tetrahedron, outwards, (4T, 3)."""
    return np.asarray(tets[:, [[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]]].reshape(-1, 3))


def region_boundary(tets: Index) -> Index:
    """Facets of tetrahedra (T, 4) that no second one of them owns, (F, 3), outwards."""
    facets = facets_of(tets)
    _, first, uses = np.unique(np.sort(facets, axis=1), axis=0, return_index=True, return_counts=True)
    return facets[first[uses == 1]]


def pieces(tets: Index) -> int:
    """Components of tetrahedra that are connected through facets."""
    facets, owners = np.sort(facets_of(tets), axis=1), np.repeat(np.arange(len(tets)), 4)
    order = np.lexsort(facets.T)
    facets, owners = facets[order], owners[order]
    same = (facets[1:] == facets[:-1]).all(axis=1)
    graph = coo_matrix((np.ones(int(same.sum())), (owners[:-1][same], owners[1:][same])), shape=(len(tets),) * 2)
    return int(connected_components(graph, directed=False)[0])


def pinched_vertices(faces: Index) -> int:
    """How often sheets of facets (F, 3) meet in a vertex without an edge there: fans around all vertices, less the vertices.

    Corners of facets are joined where two facets share an edge at them; each group that is left is a fan.
    """
    corner = np.arange(faces.size).reshape(faces.shape)
    ends = [(i, (i + 1) % 3) for i in range(3)]
    edges = np.concatenate([np.sort(faces[:, pair], axis=1) for pair in ends])
    at = np.concatenate([np.where(faces[:, [i]] < faces[:, [j]], corner[:, [i, j]], corner[:, [j, i]]) for i, j in ends])
    order = np.lexsort(edges.T)
    edges, at = edges[order], at[order]
    same = (edges[1:] == edges[:-1]).all(axis=1)
    left, right = at[:-1][same].ravel(), at[1:][same].ravel()
    graph = coo_matrix((np.ones(len(left)), (left, right)), shape=(faces.size,) * 2)
    return int(connected_components(graph, directed=False)[0]) - len(np.unique(faces))


def _boundary(mesh: Tetrahedra, tets: Index, faces: Index, reference: Reference) -> Boundary:
    corners = mesh.points[faces]
    area = 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    # Volumes are small differences of large numbers far from the origin.
    shifted = corners - corners.reshape(-1, 3).mean(axis=0)
    volume = float(np.einsum("ij,ij->", shifted[:, 0], np.cross(shifted[:, 1], shifted[:, 2])) / 6)
    there, back = reference.distance(points_on(corners)), to_triangles(reference.samples, corners)
    edges, uses = np.unique(np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0, return_counts=True)
    return Boundary(
        volume_error=volume / reference.volume - 1,
        thickness=2 * volume / float(area.sum()) / reference.voxel,
        distance_p99=float(np.percentile(there, 99)) / reference.longest,
        distance_back_p99=float(np.percentile(back, 99)) / reference.longest,
        components=pieces(tets),
        euler=len(np.unique(faces)) - len(edges) + len(faces),
        components_before=reference.components,
        euler_before=reference.euler,
        odd_edges=int((uses != 2).sum()),
        pinched=pinched_vertices(faces),
    )
