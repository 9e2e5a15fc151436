"""What a region of a mesh is compared with: voxels that carry a label, or a closed surface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cellml.types import Labels, Surface

Floats = NDArray[np.float64]

SAMPLES = 20_000  # points on a boundary from which distances are taken


@dataclass(frozen=True, eq=False)
class Reference:
    """volume in nm³; voxel, longest: cube root of a voxel's volume and its longest edge, nm; samples: points on the boundary (Q, 3),
    columns (x, y, z) in nm; distance: from points (P, 3) to the boundary, (P,) in nm; euler: of the boundary surface.
    """

    volume: float
    voxel: float
    longest: float
    samples: Floats
    distance: Callable[[Floats], Floats]
    components: int
    euler: int


def of_label(labels: Labels, number: int) -> Reference:
    """The 6-connected voxels of a label; their boundary is the staircase of their faces."""
    from skimage.measure import euler_number
    from skimage.measure import label as components

    spacing, mask = np.array(labels.spacing), labels.data == number
    centres, halves = voxel_faces(mask, spacing, np.array(labels.origin))
    tree = cKDTree(centres)

    def distance(points: Floats) -> Floats:
        nearest = tree.query(points, k=min(9, len(centres)))[1].reshape(len(points), -1)
        gap = np.maximum(np.abs(points[:, None] - centres[nearest]) - halves[nearest], 0)
        return np.asarray(np.linalg.norm(gap, axis=2).min(axis=1))

    return Reference(
        volume=float(mask.sum() * spacing.prod()),
        voxel=float(np.cbrt(spacing.prod())),
        longest=float(spacing.max()),
        samples=_some(centres),
        distance=distance,
        components=int(components(mask, connectivity=1, return_num=True)[1]),
        euler=2 * int(euler_number(np.pad(mask, 1), connectivity=1)),
    )


def of_surface(surface: Surface, spacing_nm: float, voxel_nm: float) -> Reference:
    """A closed surface that was sampled every `spacing_nm`, made from an image whose longest voxel edge is `voxel_nm`."""
    import trimesh

    shape = trimesh.Trimesh(surface.vertices, surface.faces, process=False)
    corners = surface.vertices[surface.faces]
    return Reference(
        volume=surface.volume(),
        voxel=spacing_nm,
        longest=voxel_nm,
        samples=points_on(corners),
        distance=lambda points: to_triangles(points, corners),
        components=int(shape.body_count),
        euler=int(shape.euler_number),
    )


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


def points_on(corners: Floats) -> Floats:
    """Points spread evenly over triangles (F, 3, 3)."""
    return _on(corners)[0]


def to_triangles(points: Floats, corners: Floats) -> Floats:
    """Distances (P,) of points to triangles (F, 3, 3): exact to those that own the nearest of many samples."""
    samples, owner = _on(corners)
    samples, owner = np.concatenate([samples, corners.mean(axis=1)]), np.concatenate([owner, np.arange(len(corners))])
    near = owner[cKDTree(samples).query(points, k=6)[1]]
    return np.asarray(np.min([_to_triangle(points, corners[near[:, k]]) for k in range(near.shape[1])], axis=0))


def _to_triangle(points: Floats, corners: Floats) -> Floats:
    """Distance of each point (P, 3) to its triangle (P, 3, 3): to the plane where the foot lies inside, else to the nearest edge."""
    a, b, c = (corners[:, i] for i in range(3))
    normal = np.cross(b - a, c - a)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-300)
    edges = [_to_edge(points, u, v) for u, v in ((a, b), (b, c), (c, a))]
    beyond = [np.einsum("ij,ij->i", np.cross(v - u, points - u), normal) < 0 for u, v in ((a, b), (b, c), (c, a))]
    height = np.abs(np.einsum("ij,ij->i", points - a, normal))
    return np.where(np.any(beyond, axis=0), np.min(edges, axis=0), height)


def _to_edge(points: Floats, start: Floats, end: Floats) -> Floats:
    along = end - start
    share = np.einsum("ij,ij->i", points - start, along) / np.maximum(np.einsum("ij,ij->i", along, along), 1e-300)
    return np.asarray(np.linalg.norm(start + np.clip(share, 0, 1)[:, None] * along - points, axis=1))


def _on(corners: Floats) -> tuple[Floats, NDArray[np.int64]]:
    rng = np.random.default_rng(0)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    owner = rng.choice(len(corners), SAMPLES, p=area / area.sum())
    return np.einsum("ij,ijk->ik", rng.dirichlet(np.ones(3), SAMPLES), corners[owner]), owner


def _some(points: Floats) -> Floats:
    if len(points) <= SAMPLES:
        return points
    return points[np.random.default_rng(0).choice(len(points), SAMPLES, replace=False)]
