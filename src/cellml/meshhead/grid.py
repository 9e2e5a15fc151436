"""The body-centred tetrahedral grid of the mesh head, as tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellml.errors import CellmlError
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.topology import edges_of
from cellml.types import Triple

Mask = NDArray[np.bool_]
Size = tuple[int, int, int]

MOST_CUBES = 4_000_000  # 12 tetrahedra each: about 6 GB in all


@dataclass(frozen=True, eq=False)
class BackgroundGrid:
    """Tetrahedra that fill a box.

    points: (V, 3) float64, columns (x, y, z) in nm; tets: (T, 4) int64, positively oriented; edges: (E, 2) int64, lower number first;
    walls: (V, 3) bool, whether x, y, z of a vertex is that of a wall of the box, in which it must stay; step: (3,) float64, edges of the
    cubes along x, y, z in nm; planes: coordinate of each wall in nm by (axis, side), axes (z, y, x).
    """

    points: Tensor
    tets: Tensor
    edges: Tensor
    walls: Tensor
    step: Tensor
    planes: dict[tuple[int, int], float]

    def to(self, device: torch.device | str) -> BackgroundGrid:
        """On another device."""
        moved = {name: getattr(self, name).to(device) for name in ("points", "tets", "edges", "walls", "step")}
        return replace(self, **moved)

    def free(self, move: Tensor) -> Tensor:
        """Displacements (V, 3) without what would take a vertex out of its wall."""
        return torch.where(self.walls, 0.0, move)


def background_grid(
    low: Sequence[float], high: Sequence[float], step: float | Sequence[float], keep: Callable[[Triple, Size], Mask] | None = None
) -> BackgroundGrid:
    """Cubes of about `step` nm, divided as in Labelle & Shewchuk (2007), figure 3.

    low, high: corners of the box, (z, y, x) in nm; step: one number, or (z, y, x); cubes are fitted to the box, at least one along each
    axis. keep(edges of the cubes in nm, number of them, (z, y, x) each) → which cubes there are, (Z', Y', X'), of which one is made
    anyhow; all where None. Raises CellmlError for an empty box, a step that is not positive, and more than 4 million cubes.
    """
    near, far = np.asarray(low, float).reshape(-1), np.asarray(high, float).reshape(-1)
    steps = np.broadcast_to(np.asarray(step, float), 3)
    if near.shape != (3,) or far.shape != (3,) or not (np.isfinite(near).all() and np.isfinite(far).all() and (far > near).all()):
        raise CellmlError(f"The box of a grid runs from low to high, both (z, y, x) in nm and low < high, got {low} and {high}.")
    if not (np.isfinite(steps).all() and (steps > 0).all()):
        raise CellmlError(f"The step of a grid must be positive, in nm, got {step}.")
    cubes = np.maximum(np.round((far - near) / steps), 1.0)
    count = int(cubes[0]), int(cubes[1]), int(cubes[2])
    sizes = (far - near) / cubes
    kept = None if keep is None else keep((sizes[0], sizes[1], sizes[2]), count)
    total = float(cubes.prod() if kept is None else kept.sum())
    if total > MOST_CUBES:
        raise CellmlError(
            f"A grid of {steps.tolist()} nm in a box of {(far - near).tolist()} nm has {total:.2g} cubes; at most {MOST_CUBES:.0e} "
            "are made. Give a larger step, or a smaller box."
        )
    if kept is None:
        kept = np.ones(count, bool)
    elif not total:
        kept[0, 0, 0] = True
    points, tets = body_centred_cubic(near, far, kept)
    walls = (points == near[::-1]) | (points == far[::-1])
    planes = {(axis, side): float((near, far)[side][axis]) for axis in range(3) for side in (0, 1)}
    points_, tets_, edges, fixed, step_ = (
        torch.from_numpy(np.ascontiguousarray(a)) for a in (points, tets, edges_of(tets)[0], walls, sizes[::-1])
    )
    return BackgroundGrid(points_, tets_, edges, fixed, step_, planes)


def grid_of_volume(
    shape: Sequence[int], spacing: Triple, origin: Triple, step: float | Sequence[float], inside: Mask | None = None
) -> BackgroundGrid:
    """A grid over the voxels of a volume, from the outer faces of the first to those of the last ones.

    shape: voxels (z, y, x); spacing, origin: (z, y, x) in nm; step in nm as for `background_grid`; inside: (Z, Y, X), where compartments
    are: cubes that are further from it than their own edge and a voxel are left out. Whatever is interpolated from voxels outside of it
    is outside on their vertices, so that the compartments are cut as from the whole grid, but for the size of a flow's steps.
    """
    half = 0.5 * np.asarray(spacing, float)
    low = np.asarray(origin, float) - half
    keep = None if inside is None else lambda edges, count: _cubes_near(inside, spacing, edges, count)
    return background_grid(low.tolist(), (low + 2 * half * np.asarray(shape)).tolist(), step, keep)


def _cubes_near(inside: Mask, spacing: Triple, edges: Triple, count: Size) -> Mask:
    """Cubes, enlarged by themselves and a voxel on either side, that hold the centre of a voxel of `inside`."""
    found = np.asarray(inside)
    for axis in range(3):
        voxel, edge, number = spacing[axis], edges[axis], np.arange(count[axis])
        first = np.ceil(((number - 1) * edge - voxel) / voxel - 0.5).astype(int).clip(0, found.shape[axis])
        end = (np.floor(((number + 2) * edge + voxel) / voxel - 0.5).astype(int) + 1).clip(0, found.shape[axis])
        total = np.cumsum(found, axis=axis, dtype=np.int32)
        total = np.concatenate([np.zeros_like(np.take(total, [0], axis=axis)), total], axis=axis)
        found = np.take(total, end, axis=axis) > np.take(total, first, axis=axis)
    return found


def determinants(points: Tensor, tets: Tensor) -> Tensor:
    """det(b − a, c − a, d − a) of tetrahedra, six times their signed volumes, (T,)."""
    a, b, c, d = points[tets].unbind(1)
    return ((b - a) * torch.linalg.cross(c - a, d - a, dim=1)).sum(1)
