"""Shapes side by side in one label volume, each a label: what segmentation learns from, and what can be read as a population again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.surfaces.winding import winding_number
from cellml.types import Labels, Surface

_GAP = 3  # voxels between shapes, and to the border
_MOST_VOXELS = 200_000_000


def label_volume(surfaces: Sequence[Surface], spacing_nm: float, name: str = "shapes") -> Labels:
    """Shape n of the list has the label n + 1; shapes lie in rows and columns along y and x, three voxels apart and off the border.

    A voxel belongs to a shape where its centre lies inside (winding number of one half or more). Raises CellmlError for a spacing that is
    not positive, or that makes more than 2 · 10⁸ voxels.
    """
    if not np.isfinite(spacing_nm) or spacing_nm <= 0:
        raise CellmlError(f"labels_nm must be a positive length in nm, got {spacing_nm}.")
    low = np.array([surface.vertices.min(axis=0) for surface in surfaces])
    size = np.array([surface.vertices.max(axis=0) for surface in surfaces]) - low
    cell = np.ceil(size.max(axis=0) / spacing_nm).astype(int) + 1 + _GAP  # x, y, z
    columns = int(np.ceil(np.sqrt(len(surfaces))))
    rows = -(-len(surfaces) // columns)
    shape = (int(cell[2]) + _GAP, rows * int(cell[1]) + _GAP, columns * int(cell[0]) + _GAP)
    if np.prod([float(n) for n in shape]) > _MOST_VOXELS:
        fits = spacing_nm * (np.prod([float(n) for n in shape]) / _MOST_VOXELS) ** (1 / 3)
        raise CellmlError(f"labels_nm={spacing_nm:g} makes {' × '.join(map(str, shape))} voxels, too many; use {1.05 * fits:.3g} or more.")
    data = np.zeros(shape, np.uint16 if len(surfaces) < 65_536 else np.uint32)
    for n, (surface, start) in enumerate(zip(surfaces, low, strict=True)):
        row, column = divmod(n, columns)
        y, x = _GAP + row * int(cell[1]), _GAP + column * int(cell[0])
        block = data[_GAP : int(cell[2]), y : y + int(cell[1]) - _GAP, x : x + int(cell[0]) - _GAP]
        block[_inside(surface, start, block.shape, spacing_nm)] = n + 1
    names = {n + 1: surface.name for n, surface in enumerate(surfaces)}
    return Labels(data, (spacing_nm,) * 3, names=names, name=name)


def _inside(surface: Surface, start: NDArray[np.float64], shape: tuple[int, ...], spacing: float) -> NDArray[np.bool_]:
    """Voxels (Z, Y, X) whose centres lie inside, the first half a voxel within the box of the surface."""
    z, y, x = np.meshgrid(*((np.arange(n) + 0.5) * spacing for n in shape), indexing="ij")
    points = start + np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1)
    return np.asarray((winding_number(surface.vertices, surface.faces, points) >= 0.5).reshape(shape))
