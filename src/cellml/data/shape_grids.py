"""Shapes as grids of truncated signed distances: what convolutional shape models of any genus learn from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.surfaces.extraction import marching_tetrahedra
from cellml.surfaces.winding import closest_points, winding_number
from cellml.types import Surface, Triple

Floats = NDArray[np.float64]

_INSIDE = 0.5  # winding number of a closed surface is 1 inside and 0 outside


def distance_grid(
    surface: Surface,
    shape: Sequence[int] = (32, 32, 32),
    spacing: float = 25.0,
    *,
    truncate: float = 4.0,
    centre: Floats | None = None,
) -> NDArray[np.float32]:
    """Signed distance to a closed surface in units of the spacing, negative inside, cut off at ± `truncate`: (Z, Y, X) float32.

    Exact distances to the triangles at all voxel centres; inside is where the winding number is at least one half. shape: voxels along
    (z, y, x); spacing: nm, alike along all axes; centre: (x, y, z) nm of the grid's middle, by default that of the bounding box. Raises
    CellmlError where the surface does not fit with a voxel to spare on each side, encloses nothing, or the numbers are no grid.
    """
    z, y, x = (int(n) for n in shape)
    if min(z, y, x) < 4 or not (np.isfinite(spacing) and spacing > 0) or truncate <= 0:
        raise CellmlError(
            f"A distance grid needs 4 voxels or more along each axis, a positive spacing and cut-off; got {list(shape)}, {spacing} and "
            f"{truncate}."
        )
    if len(surface.faces) == 0:
        raise CellmlError(f"{surface.name!r} has no faces; there is nothing to measure distances to.")
    middle = box_centre(surface) if centre is None else np.asarray(centre, float)
    _require_room(surface, (z, y, x), spacing, middle)
    points = middle + spacing * _voxel_centres((z, y, x))
    faces = surface.faces if surface.volume() >= 0 else np.ascontiguousarray(surface.faces[:, ::-1])
    distance = closest_points(surface.vertices, faces, points)[0] / spacing
    inside = winding_number(surface.vertices, faces, points) >= _INSIDE
    if not inside.any():
        raise CellmlError(f"{surface.name!r} encloses no voxel of {spacing:g} nm: it is open, or thinner than that. Use a smaller spacing.")
    signed = np.clip(np.where(inside, -distance, distance), -truncate, truncate)
    return np.ascontiguousarray(signed.reshape(z, y, x), np.float32)


def surface_of_grid(grid: NDArray[np.floating], spacing: float, centre: Floats | None = None, name: str = "shape") -> Surface:
    """The zero level of a distance grid (Z, Y, X), closed and manifold, in nm about `centre` (x, y, z).

    Raises CellmlError for a grid with nothing inside, or that is not finite.
    """
    values = np.asarray(grid, float)
    if not np.isfinite(values).all() or not (values < 0).any():
        raise CellmlError(f"The distance grid of {name!r} has no voxel inside a shape (least value {values.min():.3g}).")
    middle = np.zeros(3) if centre is None else np.asarray(centre, float)
    first = middle[::-1] - spacing * (np.array(values.shape) - 1) / 2
    origin: Triple = (float(first[0]), float(first[1]), float(first[2]))
    vertices, faces = marching_tetrahedra(values, (spacing,) * 3, origin)
    return Surface(vertices, faces, name)


def box_centre(surface: Surface) -> Floats:
    """Middle of the bounding box, (x, y, z) in nm."""
    corners = surface.vertices[surface.faces.ravel()]
    return np.asarray((corners.min(axis=0) + corners.max(axis=0)) / 2)


def fitting_spacing(surface: Surface, shape: Sequence[int], margin: int = 3) -> float:
    """The spacing (nm) at which the longest side of the bounding box leaves `margin` voxels free at either end of a grid (z, y, x)."""
    corners = surface.vertices[surface.faces.ravel()]
    room = np.array(shape)[::-1] - 1 - 2 * margin
    if room.min() < 1:
        raise CellmlError(f"A grid of {list(shape)} voxels has no room beside margins of {margin}; use more voxels.")
    return float(((corners.max(axis=0) - corners.min(axis=0)) / room).max())


def _voxel_centres(shape: tuple[int, int, int]) -> Floats:
    """(Z·Y·X, 3) voxel centres about the grid's middle, columns (x, y, z), in voxels."""
    axes = [np.arange(n) - (n - 1) / 2 for n in shape]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1)


def _require_room(surface: Surface, shape: tuple[int, int, int], spacing: float, centre: Floats) -> None:
    reach = np.abs(surface.vertices[surface.faces.ravel()] - centre).max(axis=0)
    room = spacing * ((np.array(shape)[::-1] - 1) / 2 - 1)
    if (reach > room).any():
        needed = float((reach / ((np.array(shape)[::-1] - 1) / 2 - 1)).max())
        raise CellmlError(
            f"{surface.name!r} reaches {' × '.join(f'{r:.4g}' for r in reach)} nm (x, y, z) from the grid's middle, and a grid of "
            f"{list(shape)} voxels (z, y, x) of {spacing:g} nm has room for {' × '.join(f'{r:.4g}' for r in room)}; "
            f"use a spacing of {1.01 * needed:.4g} nm or more voxels."
        )
