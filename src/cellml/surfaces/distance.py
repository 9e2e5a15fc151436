"""Signed distance of a foreign surface on a grid, the form in which the mesher takes it.

Distances are exact near the surface. The sign is that of the winding number, so that small holes, overlaps and doubled faces do no harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cellml.errors import CellmlError
from cellml.meshing.topology import Index
from cellml.surfaces.winding import closest_points, winding_number
from cellml.types import Surface, Volume

Floats = NDArray[np.float64]

_COARSEST = 8  # voxels along the edge of the cells that the search starts with
_BAND = 3.0  # voxels on either side of the surface where distances are exact
_MOST_VOXELS = 100_000_000
_CLEAR = 0.25  # a winding number this far from one half is trusted for the whole of a cell that no face enters
_BLURRED = 0.1  # part of the inside that may have an unclear winding number


@dataclass(frozen=True)
class _Search:
    """Per voxel: nearest point of the surface (NaN where none was sought), inside or not, and the range of winding numbers met."""

    nearest: Floats
    inside: NDArray[np.bool_]
    unclear: NDArray[np.bool_]
    winding: tuple[float, float]


def signed_distance_of(surface: Surface, *, spacing_nm: float, margin: int = 4) -> Volume:
    """Signed distance to a surface, sampled on a cubic grid around it; negative inside.

    |φ| is the exact distance to the nearest triangle within three voxels of the surface, and within a voxel of it elsewhere. A point is
    inside where the winding number is at least one half (Barill et al. 2018), so overlapping parts are united, and faces that lie inside
    the union count for nothing. A surface that is inside out as a whole is turned over.

    spacing_nm: voxel edge; details below about two voxels are lost; margin: voxels around the bounding box. Returns a Volume (Z, Y, X),
    float64 in nm, in the frame of the surface. Raises CellmlError for a surface without faces or area, a grid of more than 10⁸ voxels, and
    where inside and outside cannot be told apart, as for an open sheet.
    """
    vertices, faces = _usable(surface)
    low, shape = _grid(vertices[faces.ravel()], spacing_nm, margin, surface.name)
    local = (vertices - low) / spacing_nm
    search = _search(local, faces, shape)
    if search.winding[1] > 1.5 or search.winding[0] < -0.5:
        search = _search(local, _faces_between(local, faces), shape)
    _check_inside(search, surface.name)
    distance = _distances(search) * spacing_nm
    x, y, z = (float(c) for c in low)
    data = np.where(search.inside.T, -distance, distance)
    return Volume(data, (spacing_nm,) * 3, (z, y, x), name=surface.name)


def _usable(surface: Surface) -> tuple[Floats, Index]:
    areas = surface.areas()
    faces = surface.faces[areas > 0]
    if len(faces) == 0:
        raise CellmlError(f"{surface.name!r} has {len(areas)} faces and none with an area; there is nothing to measure distances to.")
    # About the centroid, an open surface that is inside out has a negative volume too.
    centre = surface.vertices[faces].mean(axis=(0, 1))
    if Surface(surface.vertices - centre, faces).volume() < 0:
        faces = np.ascontiguousarray(faces[:, ::-1])
    return surface.vertices, faces


def _grid(corners: Floats, spacing: float, margin: int, name: str) -> tuple[Floats, tuple[int, int, int]]:
    """Centre of the first voxel, (x, y, z), and voxels along (x, y, z)."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    if not (np.isfinite(spacing) and spacing > 0):
        raise CellmlError(f"spacing_nm={spacing} must be a positive length in nm.")
    count = np.ceil((high - low) / spacing) + 2 * margin + 1
    if count.prod() > _MOST_VOXELS:
        fits = spacing * float((count.prod() / _MOST_VOXELS) ** (1 / 3))
        raise CellmlError(
            f"{name!r} measures {' × '.join(f'{s:.4g}' for s in high - low)} nm, which at spacing_nm={spacing:g} takes {count.prod():.2g} "
            f"voxels; at most {_MOST_VOXELS:.0e} are allowed. Use spacing_nm={1.05 * fits:.3g} or more."
        )
    centre = (low + high) / 2
    nx, ny, nz = (int(c) for c in count)
    return centre - spacing * (count - 1) / 2, (nx, ny, nz)


def _search(vertices: Floats, faces: Index, shape: tuple[int, int, int]) -> _Search:
    """Halve cells from eight voxels down to one, where a face may be near; axes are (x, y, z) and lengths voxels here."""
    padded = tuple(-(-n // _COARSEST) * _COARSEST for n in shape)
    nearest = np.full((*padded, 3), np.nan)
    inside, unclear = np.zeros(padded, bool), np.zeros(padded, bool)
    cells = np.array(list(product(*(range(0, n, _COARSEST) for n in padded))))
    signed = np.zeros(len(cells), bool)
    lowest, highest, size = 0.0, 0.0, _COARSEST
    while len(cells):
        centre, reach = cells + (size - 1) / 2, 0.5 * np.sqrt(3) * size
        distance, _, foot = closest_points(vertices, faces, centre)
        ask = ~signed & ((distance > reach) | (size == 1))
        winding = winding_number(vertices, faces, centre[ask])
        lowest, highest = min(lowest, winding.min(initial=0.0)), max(highest, winding.max(initial=0.0))
        clear = (np.abs(winding - 0.5) > _CLEAR) | (size == 1)
        known = np.flatnonzero(ask)[clear]
        inside[_voxels(cells[known], size)] = (winding[clear] >= 0.5)[:, None]
        signed[known] = True
        if size == 1:
            nearest[tuple(cells.T)] = foot
            unclear[tuple(cells[ask].T)] = (np.abs(winding - 0.5) <= _CLEAR) & (distance[ask] > 1.0)
            break
        split = ~signed | (distance <= reach + _BAND)
        size //= 2
        corner = size * np.array(list(product((0, 1), repeat=3)))
        cells = (cells[split, None, :] + corner).reshape(-1, 3)
        signed = np.repeat(signed[split], 8)
    crop = tuple(slice(0, n) for n in shape)
    return _Search(nearest[crop], inside[crop], unclear[crop], (lowest, highest))


def _voxels(cells: Index, size: int) -> tuple[Index, ...]:
    """Indices of the voxels of each cell, three arrays (C, size³)."""
    offset = np.array(list(product(range(size), repeat=3)))
    return tuple(cells[:, None, axis] + offset[None, :, axis] for axis in range(3))


def _faces_between(vertices: Floats, faces: Index) -> Index:
    """Faces with the inside on one side only; those within overlapping parts have it on both."""
    corners = vertices[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    size = np.linalg.norm(normal, axis=1, keepdims=True)
    step = 1e-3 * np.sqrt(size) * normal / np.maximum(size, 1e-300)
    keep = np.zeros(len(faces), bool)
    for weights in ((1, 1, 1), (4, 1, 1), (1, 4, 1), (1, 1, 4)):
        at = np.einsum("fij,i->fj", corners, np.array(weights) / sum(weights))
        keep |= (winding_number(vertices, faces, at - step) >= 0.5) != (winding_number(vertices, faces, at + step) >= 0.5)
    return faces[keep]


def _check_inside(search: _Search, name: str) -> None:
    inside, unclear = int(search.inside.sum()), int(search.unclear.sum())
    if inside == 0:
        raise CellmlError(
            f"{name!r} encloses nothing at this spacing: no voxel has a winding number of one half or more (highest "
            f"{search.winding[1]:.2f}). An open sheet has no inside; a closed surface thinner than a voxel needs a smaller spacing_nm."
        )
    if unclear > _BLURRED * inside:
        raise CellmlError(
            f"The inside of {name!r} is ambiguous: {unclear} voxels away from it have winding numbers between {0.5 - _CLEAR} and "
            f"{0.5 + _CLEAR}, against {inside} inside. Close its holes, which are too wide to guess, or orient its faces."
        )


def _distances(search: _Search) -> Floats:
    """Unsigned distance of each voxel, with axes (z, y, x), in voxels; far ones take the nearest point of their nearest known voxel."""
    axes = np.indices(search.inside.shape).transpose(1, 2, 3, 0)
    offset = np.linalg.norm(axes - search.nearest, axis=3)
    at_surface = offset <= 1.0
    far = np.isnan(offset)
    where = ndimage.distance_transform_edt(~at_surface, return_distances=False, return_indices=True)
    source = tuple(index[far] for index in where)
    offset[far] = np.linalg.norm(axes[far] - search.nearest[source], axis=1)
    return np.ascontiguousarray(offset.T)
