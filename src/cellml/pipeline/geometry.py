"""One object of a label volume to tetrahedra in a fraction of a second: for answers that are drawn many times.

`cellml mesh` optimises each mesh, which takes ten seconds of a neurite; the cut grid of the mesh head takes a third of one, and is sound by
construction (closed, manifold, no angle of a tetrahedron below 10°). The surface follows the same smoothed signed distance.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Labels, TetMesh, Triple, Volume

SMOOTHING = 0.5  # σ of the signed distance in voxels, as `cellml mesh` begins with
_MARGIN = 3  # voxels around the object
_BEYOND = 5  # voxels by which it goes on beyond a wall of the volume, for its distance there
_FINEST, _COARSEST = 1.2, 8.0  # voxels a cube of the grid
_ACROSS = 0.9  # cubes a radius: of the inner distances, the 90th percentile is taken for that


def object_at(labels: Labels, point_nm: Triple) -> NDArray[np.bool_]:
    """The 26-connected piece of the object in which a point (z, y, x) in nm lies, (Z, Y, X); empty where no object is.

    Raises CellmlError for a point outside the volume.
    """
    from scipy import ndimage

    from cellml.meshing.crop import bounding_box

    index = voxel_of(labels, point_nm)
    number = labels.data[index]
    if number == 0:
        return np.zeros(labels.data.shape, bool)
    mask = np.asarray(labels.data == number)
    low, high = bounding_box(mask)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    member, _ = ndimage.label(mask[box], structure=np.ones((3, 3, 3)))
    mask[box] = member == member[tuple(np.array(index) - low)]
    return mask


def voxel_of(labels: Labels | Volume, point_nm: Triple) -> tuple[int, int, int]:
    """The voxel (z, y, x) that holds a point. Raises CellmlError for one outside the volume."""
    found = [int(np.floor((p - o) / s + 0.5)) for p, o, s in zip(point_nm, labels.origin, labels.spacing, strict=True)]
    if any(not 0 <= k < n for k, n in zip(found, labels.data.shape, strict=True)):
        raise CellmlError(
            f"The point {tuple(point_nm)} nm (z, y, x) lies outside {labels.name!r}, which has {labels.data.shape} voxels of "
            f"{tuple(labels.spacing)} nm from {tuple(labels.origin)} nm on."
        )
    return found[0], found[1], found[2]


def deepest_point(labels: Labels, number: int) -> Triple:
    """The centre (z, y, x) in nm of the voxel of an object that is farthest from its surface."""
    from scipy import ndimage

    from cellml.meshing.crop import bounding_box

    mask = labels.data == number
    low, high = bounding_box(mask)
    part = np.pad(mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))], 1)
    distance = ndimage.distance_transform_edt(part, sampling=labels.spacing)
    index = np.array(np.unravel_index(int(distance.argmax()), part.shape)) - 1 + low
    z, y, x = (float(o + s * k) for o, s, k in zip(labels.origin, labels.spacing, index, strict=True))
    return z, y, x


def quick_mesh(mask: NDArray[np.bool_], labels: Labels, *, tetrahedra: int = 8000, coarser: float = 1.0, name: str = "object") -> TetMesh:
    """The largest piece of the cut grid of a mask, with facets named as `cellml mesh` names them (membrane, cut_z0, …).

    mask: (Z, Y, X) on the grid of `labels`; tetrahedra: about how many, as far as cubes of 1.2 to 8 voxels, and at least 0.9 a radius,
    allow; coarser: factor on the edge of the cubes. Raises MeshingError where nothing is left, CellmlError for an empty mask.
    """
    from cellml.meshhead.certified import largest_part, mesh_of
    from cellml.meshhead.cut import Cutting
    from cellml.meshhead.grid import grid_of_volume
    from cellml.meshing.crop import bounding_box, moved_origin
    from cellml.meshing.signed_distance import smooth_signed_distance

    if not mask.any():
        raise CellmlError(f"{name!r} has no voxel, so there is nothing to mesh.")
    low, high = bounding_box(mask)
    low, high = np.maximum(low - _MARGIN, 0), np.minimum(high + _MARGIN, mask.shape)
    part = mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    beyond = np.pad(part, _BEYOND, mode="edge")
    if beyond.all():
        raise CellmlError(f"{name!r} fills the whole volume, so that it has no surface.")
    inner = (slice(_BEYOND, -_BEYOND),) * 3
    distance = smooth_signed_distance(beyond, labels.spacing, smoothing=SMOOTHING)[inner]
    distance = distance - _level_of_volume(distance, int(part.sum()))
    step = coarser * _step_nm(distance, part, labels.spacing, tetrahedra)
    origin = moved_origin(labels, low)
    grid = grid_of_volume(part.shape, labels.spacing, origin, step, distance < 0)
    at = _sampled(distance, grid.points.numpy(), origin, labels.spacing)
    made = Cutting()(grid, _scores(at))
    return replace(largest_part(mesh_of(grid, made, {1: name}, name=name))[0], name=name)


def _level_of_volume(distance: NDArray[np.float64], count: int) -> float:
    """The level below which as many voxels lie as the object has: smoothing takes nothing from it."""
    flat = distance.ravel()
    if not 0 < count < flat.size:
        return 0.0
    below = np.partition(flat, (count - 1, count))
    return float(0.5 * (below[count - 1] + below[count]))


def _step_nm(distance: NDArray[np.float64], part: NDArray[np.bool_], spacing: Triple, tetrahedra: int) -> float:
    """Edge of the cubes: twelve tetrahedra each fill the volume, within bounds in voxels and in radii."""
    voxel = float(np.cbrt(np.prod(spacing)))
    volume = float(part.sum()) * float(np.prod(spacing))
    radius = float(np.percentile(-distance[part], 90))
    wanted = min(float(np.cbrt(12 * volume / tetrahedra)), radius / _ACROSS)
    return float(np.clip(wanted, _FINEST * voxel, _COARSEST * voxel))


def _sampled(distance: NDArray[np.float64], points: NDArray[np.float64], origin: Triple, spacing: Triple) -> NDArray[np.float64]:
    """Trilinear distances at points (V, 3; x, y, z in nm)."""
    from cellml.meshing.signed_distance import sample_linear

    return sample_linear(distance, (points[:, ::-1] - np.asarray(origin)) / np.asarray(spacing))


def _scores(distance: NDArray[np.float64]) -> Any:
    """Scores of outside and inside, (2, V)."""
    import torch

    outside = torch.from_numpy(np.ascontiguousarray(distance))
    return torch.stack([outside, -outside])
