"""The boundary of labelled voxels as exact geometry: the rectangles between a label and what is not that label.

The staircase of voxel faces is what the segmentation says, before any smoothing. Where an object reaches the border of its volume the
faces on the border plane close it and belong to the boundary too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.types import Labels

Floats = NDArray[np.float64]

_MOST_TILES = 8  # pieces along the long edge of a face, for spacings beyond 16:1
_TILE_ASPECT = 2.0  # a tile is at most twice as long as the shortest voxel edge


@dataclass(frozen=True, eq=False)
class Rectangles:
    """Axis-aligned rectangles in space.

    centres: (R, 3), columns (x, y, z) in nm; halves: (R, 3), half the edge along each axis, 0 along the normal.
    """

    centres: Floats
    halves: Floats

    def __len__(self) -> int:
        return len(self.centres)

    @property
    def areas(self) -> Floats:
        """Area of each, (R,) in nm²: the product of the two edges that are not zero."""
        edges = np.sort(2.0 * self.halves, axis=1)
        return np.asarray(edges[:, 1] * edges[:, 2])

    def triangles(self) -> Floats:
        """Corners of two triangles for each rectangle, (2 R, 3, 3)."""
        normal = self.halves.argmin(axis=1)
        rows = np.arange(len(self))
        u, v = np.zeros_like(self.halves), np.zeros_like(self.halves)
        u[rows, (normal + 1) % 3] = self.halves[rows, (normal + 1) % 3]
        v[rows, (normal + 2) % 3] = self.halves[rows, (normal + 2) % 3]
        low, right, high, left = self.centres - u - v, self.centres + u - v, self.centres + u + v, self.centres - u + v
        return np.concatenate([np.stack([low, right, high], axis=1), np.stack([low, high, left], axis=1)])


def boundary_faces(mask: NDArray[np.bool_], labels: Labels) -> Rectangles:
    """Voxel faces between a mask and the rest, the border of the volume included; long faces are split into tiles.

    mask: (Z, Y, X), in the frame of `labels`. Where the spacing is anisotropic, a face longer than twice the shortest edge is cut into
    equal tiles, at most 8: their union is the face, and each is small against its distance to others.
    """
    spacing = np.array(labels.spacing)
    tiles = np.clip(np.ceil(spacing / (_TILE_ASPECT * spacing.min())), 1, _MOST_TILES).astype(int)
    parts = [_faces_across(mask, axis, tiles) for axis in range(3)]
    index = np.concatenate([centres for centres, _ in parts])
    halves = np.concatenate([half for _, half in parts])
    centres = np.array(labels.origin) + index * spacing
    return Rectangles(centres[:, ::-1].copy(), (halves * spacing)[:, ::-1].copy())


def _faces_across(mask: NDArray[np.bool_], axis: int, tiles: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Centres and half edges (zyx, in voxels) of the tiles of all faces whose normal is along `axis`."""
    width = [(1, 1) if other == axis else (0, 0) for other in range(3)]
    padded = np.pad(mask, width)
    steps = np.argwhere(np.diff(padded, axis=axis)).astype(np.float64)
    steps[:, axis] -= 0.5
    counts = np.where(np.arange(3) == axis, 1, tiles)
    half = np.where(np.arange(3) == axis, 0.0, 0.5 / counts)
    offsets = np.stack(np.meshgrid(*((np.arange(n) + 0.5) / n - 0.5 for n in counts), indexing="ij"), axis=-1).reshape(-1, 3)
    offsets[:, axis] = 0.0
    centres = (steps[:, None, :] + offsets[None]).reshape(-1, 3)
    return centres, np.broadcast_to(half, centres.shape)
