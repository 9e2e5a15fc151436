"""Features of an image at the vertices of a mesh, and the coordinates in which both meet."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from cellml.errors import CellmlError
from cellml.meshops import backend
from cellml.meshops.batch import MeshBatch
from cellml.types import Triple


def vert_align(
    maps: Tensor | Sequence[Tensor], vertices: Tensor | MeshBatch, *, padding: str = "zeros", align_corners: bool = True
) -> Tensor:
    """Features at the vertices by linear interpolation ("perceptual feature pooling", Wang et al. 2018; "VertAlign", Gkioxari et al. 2019).

    maps: (N, C, Z, Y, X), or (N, C, Y, X) of which only x and y of a vertex are used, or several of either, whose features are put one
    behind the other; vertices: (N, V, 3) or a batch of N meshes, columns (x, y, z) in normalised coordinates: −1 and 1 are the centres of
    the first and last voxel (align_corners=True), or the outer faces of those voxels (False). padding: what lies outside, "zeros",
    "border" or "reflection". Returns (N, V, ΣC), or packed (V, ΣC) for a batch. With gradient to maps and vertices.
    Raises CellmlError where dimensions or batch sizes do not fit.
    """
    levels = [maps] if isinstance(maps, Tensor) else list(maps)
    for level in levels:
        if level.ndim not in (4, 5) or len(level) != len(vertices):
            raise CellmlError(f"Features must be (N, C, Z, Y, X) or (N, C, Y, X) for {len(vertices)} meshes, got {tuple(level.shape)}.")
    if isinstance(vertices, MeshBatch):
        parts = [
            _sampled([level[n : n + 1] for level in levels], v[None], padding, align_corners)[0]
            for n, v in enumerate(vertices.vertex_list())
        ]
        return torch.cat(parts)
    if vertices.ndim != 3 or vertices.shape[2] != 3:
        raise CellmlError(f"Vertices must be (N, V, 3) with columns (x, y, z), got {tuple(vertices.shape)}.")
    return _sampled(levels, vertices, padding, align_corners)


def _sampled(levels: list[Tensor], vertices: Tensor, padding: str, align_corners: bool) -> Tensor:
    return torch.cat([sampled_map(level, vertices, padding, align_corners) for level in levels], dim=2)


@backend.instead_of(backend.vert_align, when=backend.fits_flat_map)
def sampled_map(level: Tensor, vertices: Tensor, padding: str, align_corners: bool) -> Tensor:
    """One map (N, C, [Z,] Y, X) at vertices (N, V, 3) → (N, V, C)."""
    dimensions = level.ndim - 2
    if vertices.shape[1] == 0:
        return level.new_zeros(len(level), 0, level.shape[1])
    grid = vertices[..., :dimensions].reshape(len(vertices), -1, *[1] * (dimensions - 1), dimensions)
    values = functional.grid_sample(level, grid, mode="bilinear", padding_mode=padding, align_corners=align_corners)
    return values.reshape(len(level), level.shape[1], -1).transpose(1, 2)


def to_normalised(points: Tensor, shape: tuple[int, int, int], spacing: Triple, origin: Triple = (0.0, 0.0, 0.0)) -> Tensor:
    """Points (…, 3) with columns (x, y, z) in nm → coordinates in which the first and last voxel centres are −1 and 1.

    shape, spacing, origin: (z, y, x) of the volume. Raises CellmlError for a volume of one voxel along an axis, where these do not exist.
    """
    first, half = _frame(points, shape, spacing, origin)
    return (points - first) / half - 1


def to_nanometres(points: Tensor, shape: tuple[int, int, int], spacing: Triple, origin: Triple = (0.0, 0.0, 0.0)) -> Tensor:
    """The inverse of `to_normalised`: (…, 3) → (x, y, z) in nm."""
    first, half = _frame(points, shape, spacing, origin)
    return (points + 1) * half + first


def _frame(points: Tensor, shape: tuple[int, int, int], spacing: Triple, origin: Triple) -> tuple[Tensor, Tensor]:
    if min(shape) < 2:
        raise CellmlError(f"A volume of shape {tuple(shape)} has no normalised coordinates: it needs two voxels along each axis; pad it.")
    half = [(n - 1) * step / 2 for n, step in zip(reversed(shape), reversed(spacing), strict=True)]
    return points.new_tensor(tuple(reversed(origin))), points.new_tensor(half)
