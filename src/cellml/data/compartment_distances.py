"""Labels as signed distances to the surfaces of compartments: what the mesh heads learn from where somebody drew the truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from cellml.data.labelled import UNLABELLED
from cellml.errors import CellmlError
from cellml.meshing.signed_distance import smooth_signed_distance
from cellml.types import Triple

Solids = Sequence[Sequence[int]]


def compartment_distances(
    labels: NDArray[np.integer], spacing: Triple, solids: Solids, *, smoothing: float = 0.5, name: str = "labels"
) -> NDArray[np.float32]:
    """Signed distance to the surface of each compartment, (K, Z, Y, X) float32 in nm, negative inside.

    The distance of the voxels is smoothed, and its level around each piece chosen so that as many voxel centres lie below it as the piece
    has voxels: smoothing alone would shrink what is thin. Sections thicker than pixels are interpolated by shape, because the distances
    of neighbouring sections are. Of a compartment that is nowhere, or everywhere, the surface is the diagonal of the volume away.
    labels: (Z, Y, X), class numbers; spacing: (z, y, x) in nm; solids: the labels that lie within each compartment's surface, its own and
    those nested in it; smoothing: σ in voxels. Raises CellmlError where voxels are unlabelled.
    """
    unknown = int((labels == UNLABELLED).sum())
    if unknown:
        raise CellmlError(
            f"{name}: {unknown:,} of {labels.size:,} voxels are unlabelled; the mesh heads learn from distances, for which every voxel of "
            "a block must be labelled. Choose a region that is."
        )
    far = float(np.linalg.norm(np.asarray(labels.shape) * np.asarray(spacing)))
    return np.stack([_distance(np.isin(labels, list(solid)), spacing, smoothing, far) for solid in solids])


def _distance(mask: NDArray[np.bool_], spacing: Triple, smoothing: float, far: float) -> NDArray[np.float32]:
    count = int(mask.sum())
    if count in (0, mask.size):
        return np.full(mask.shape, far if count == 0 else -far, np.float32)
    distance = smooth_signed_distance(mask, spacing, smoothing=smoothing)
    return np.asarray(distance - _levels(mask, distance, spacing), np.float32)


def _levels(mask: NDArray[np.bool_], distance: NDArray[np.float64], spacing: Triple) -> NDArray[np.float64]:
    """Around each piece of a mask, as far as no other is nearer, the level below which as many voxels lie as it has, (Z, Y, X) in nm."""
    pieces, count = ndimage.label(mask)
    nearest = ndimage.distance_transform_edt(~mask, sampling=spacing, return_distances=False, return_indices=True)
    owner = pieces[tuple(nearest)].reshape(-1)
    sizes, around = np.bincount(pieces.reshape(-1), minlength=count + 1), np.bincount(owner, minlength=count + 1)
    values = distance.reshape(-1)[np.argsort(owner, kind="stable")]
    levels, first = np.zeros(count + 1), 0
    for number in range(1, count + 1):
        part, size = values[first : first + around[number]], sizes[number]
        first += around[number]
        if size < len(part):
            ordered = np.partition(part, [size - 1, size])
            levels[number] = (ordered[size - 1] + ordered[size]) / 2
    return levels[owner].reshape(mask.shape)


def points_on_surfaces(distances: Tensor, spacing: Triple, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Points uniform in area on the zero level of each distance, and outward unit normals, (K, count, 3) float32 each, columns (x, y, z).

    distances: (K, Z, Y, X) in nm, the centre of the first voxel at 0; spacing: (z, y, x) in nm. Where a distance has no zero inside of the
    volume its rows are NaN. The planes in which objects leave the volume are no surface.
    """
    found = [_points(distance.double().numpy(), spacing, count, rng) for distance in distances]
    return torch.from_numpy(np.stack([points for points, _ in found])), torch.from_numpy(np.stack([normals for _, normals in found]))


def _points(
    distance: NDArray[np.float64], spacing: Triple, count: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    from cellml.surfaces.extraction import marching_tetrahedra

    vertices, faces = marching_tetrahedra(distance, spacing, (0.0, 0.0, 0.0))
    last = (np.asarray(distance.shape[::-1]) - 1) * np.asarray(spacing[::-1])
    within = ((vertices >= 0) & (vertices <= last)).all(axis=1)
    corner = vertices[faces[within[faces].all(axis=1)]]
    if not len(corner):
        absent = np.full((count, 3), np.nan, np.float32)
        return absent, absent
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    twice_area = np.linalg.norm(normal, axis=1)
    drawn = rng.choice(len(corner), count, p=twice_area / twice_area.sum())
    root, v = np.sqrt(rng.random(count)), rng.random(count)
    weights = np.stack([1 - root, root * (1 - v), root * v], axis=1)
    points = np.einsum("pc,pcd->pd", weights, corner[drawn])
    return points.astype(np.float32), (normal[drawn] / twice_area[drawn, None]).astype(np.float32)
