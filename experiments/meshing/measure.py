"""What a mesh is, measured without the code that made it.

Nothing here comes from `cellml.meshing`: the certificate of a mesh is judged by other formulas, against the labels that were given.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from cellml.types import Labels, TetMesh

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

_SAMPLES = 20_000  # points on a boundary from which distances are taken


@dataclass(frozen=True)
class Boundary:
    """One region. volume_error: against its voxels; distances (99th percentile) from mesh to voxels and back, in longest voxel edges;
    thickness 2 V / A in voxels (cube root of the volume); odd_edges: edges without exactly two facets.
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


@dataclass(frozen=True)
class Measures:
    """A whole mesh, angles in degrees; shared_too_often: facets of more than two tetrahedra."""

    tets: int
    dihedral_min: float
    dihedral_p1: float
    tets_below_10: int
    surface_angle_min: float
    surface_angle_max: float
    shared_too_often: int
    regions: dict[int, Boundary]


def measure(mesh: TetMesh, labels: Labels, numbers: list[int]) -> Measures:
    """Measure a mesh whose region numbers are the labels `numbers`."""
    dihedral = dihedral_angles(mesh.points[mesh.tets])
    facets, _ = _facets(mesh.tets)
    _, uses = np.unique(np.sort(facets, axis=1), axis=0, return_counts=True)
    boundaries = {number: region_boundary(mesh.tets[mesh.regions == number]) for number in numbers}
    angles = corner_angles(mesh.points[np.concatenate(list(boundaries.values()))])
    return Measures(
        tets=len(mesh.tets),
        dihedral_min=float(dihedral.min()),
        dihedral_p1=float(np.percentile(dihedral, 1)),
        tets_below_10=int((dihedral.min(axis=1) < 10).sum()),
        surface_angle_min=float(angles.min()),
        surface_angle_max=float(angles.max()),
        shared_too_often=int((uses > 2).sum()),
        regions={number: _boundary(mesh, labels, number, faces) for number, faces in boundaries.items()},
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


def region_boundary(tets: Index) -> Index:
    """Facets of tetrahedra (T, 4) that no second one of them owns, (F, 3), outwards."""
    facets, _ = _facets(tets)
    _, first, uses = np.unique(np.sort(facets, axis=1), axis=0, return_index=True, return_counts=True)
    return facets[first[uses == 1]]


def voxel_faces(mask: NDArray[np.bool_], spacing: Floats, origin: Floats) -> tuple[Floats, Floats]:
    """Centres (Q, 3) and half sizes (Q, 3), columns (x, y, z) in nm, of the faces between a mask (Z, Y, X) and the rest.

    The border of the volume counts as rest. Long faces are divided into pieces about as long as the shortest voxel edge.
    """
    padded = np.pad(mask, 1)
    centres, halves = [], []
    for axis in range(3):
        at = np.argwhere(np.diff(padded, axis=axis)).astype(float) - 1
        at[:, axis] += 0.5
        pieces = np.maximum(np.round(spacing / spacing.min()), 1).astype(int)
        pieces[axis] = 1
        grids = np.meshgrid(*((np.arange(n) + 0.5) / n - 0.5 for n in pieces), indexing="ij")
        shift = np.stack(grids, axis=-1).reshape(-1, 3)
        centres.append(((at[:, None] + shift).reshape(-1, 3)) * spacing + origin)
        half = 0.5 * spacing / pieces
        half[axis] = 0.0
        halves.append(np.broadcast_to(half, centres[-1].shape))
    return np.concatenate(centres)[:, ::-1], np.concatenate(halves)[:, ::-1]


def _boundary(mesh: TetMesh, labels: Labels, number: int, faces: Index) -> Boundary:
    from skimage.measure import euler_number
    from skimage.measure import label as components

    spacing, mask = np.array(labels.spacing), labels.data == number
    wanted, longest = float(mask.sum() * spacing.prod()), float(spacing.max())
    corners = mesh.points[faces]
    area = 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    # Volumes are small differences of large numbers far from the origin.
    shifted = corners - corners.reshape(-1, 3).mean(axis=0)
    volume = float(np.einsum("ij,ij->", shifted[:, 0], np.cross(shifted[:, 1], shifted[:, 2])) / 6)
    there, back = distances(corners, area, *voxel_faces(mask, spacing, np.array(labels.origin)))
    edges, uses = np.unique(np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0, return_counts=True)
    return Boundary(
        volume_error=volume / wanted - 1,
        thickness=2 * volume / float(area.sum()) / float(np.cbrt(spacing.prod())),
        distance_p99=float(np.percentile(there, 99)) / longest,
        distance_back_p99=float(np.percentile(back, 99)) / longest,
        components=_pieces(mesh.tets[mesh.regions == number]),
        euler=len(np.unique(faces)) - len(edges) + len(faces),
        components_before=int(components(mask, connectivity=1, return_num=True)[1]),
        euler_before=2 * int(euler_number(mask, connectivity=1)),
        odd_edges=int((uses != 2).sum()),
    )


def distances(corners: Floats, area: Floats, centres: Floats, halves: Floats) -> tuple[Floats, Floats]:
    """Distances in nm from points on triangles (F, 3, 3) to rectangles given by centres and half sizes, and from these centres back."""
    from trimesh.triangles import closest_point

    rng = np.random.default_rng(0)
    owner = rng.choice(len(corners), _SAMPLES, p=area / area.sum())
    weights = rng.dirichlet(np.ones(3), _SAMPLES)
    points = np.einsum("ij,ijk->ik", weights, corners[owner])
    nearest = cKDTree(centres).query(points, k=min(9, len(centres)))[1].reshape(_SAMPLES, -1)
    gap = np.maximum(np.abs(points[:, None] - centres[nearest]) - halves[nearest], 0)
    there = np.linalg.norm(gap, axis=2).min(axis=1)
    if len(centres) > _SAMPLES:
        centres = centres[rng.choice(len(centres), _SAMPLES, replace=False)]
    everywhere, of = np.concatenate([points, corners.mean(axis=1)]), np.concatenate([owner, np.arange(len(corners))])
    near = of[cKDTree(everywhere).query(centres, k=6)[1]]
    back = [np.linalg.norm(closest_point(corners[near[:, k]], centres) - centres, axis=1) for k in range(near.shape[1])]
    return there, np.min(back, axis=0)


def _facets(tets: Index) -> tuple[Index, Index]:
    """The four facets of each tetrahedron, outwards, (4T, 3), and their owners."""
    return tets[:, [[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]]].reshape(-1, 3), np.repeat(np.arange(len(tets)), 4)


def _pieces(tets: Index) -> int:
    facets, owners = _facets(tets)
    order = np.lexsort(np.sort(facets, axis=1).T)
    keys, owners = np.sort(facets, axis=1)[order], owners[order]
    same = (keys[1:] == keys[:-1]).all(axis=1)
    graph = coo_matrix((np.ones(int(same.sum())), (owners[:-1][same], owners[1:][same])), shape=(len(tets),) * 2)
    return int(connected_components(graph, directed=False)[0])
