"""A closed surface made anew from the winding number of a broken one."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from cellml.surfaces.conditioning import condition
from cellml.surfaces.distance import signed_distance_of
from cellml.surfaces.extraction import extract_surface
from cellml.types import Surface

_MOST_CELLS = 1.0e6
_MOST_FACES = 6.0e4
_FACES_PER_CELL = 7.0  # that marching tetrahedra make for each square of one voxel's edge

# A mesh of a broken surface asks for the same reconstruction up to three times (its genus, its repair, its repair with crossings kept), and
# each takes seconds; the last few are kept.
_KEPT: OrderedDict[bytes, tuple[Surface, float]] = OrderedDict()
_MOST_KEPT = 4


def reconstruct(surface: Surface, *, spacing_nm: float | None = None) -> tuple[Surface, float]:
    """Zero level set of the signed distance with the sign of the winding number (Barill et al. 2018), conditioned to even faces.

    spacing_nm: voxel edge of the distance. If None, the lesser of a quarter of the median edge and half the mean thickness 2V/A, but no
    less than what makes a million voxels, or 60,000 faces on the way. Details below two voxels are lost.

    Edges become as long as they were in the median, but no shorter than a voxel and a half. Returns the surface and the spacing used.
    Raises CellmlError where inside and outside cannot be told apart.
    """
    key = _key(surface, spacing_nm)
    if key not in _KEPT:
        _KEPT[key] = _made(surface, spacing_nm)
        while len(_KEPT) > _MOST_KEPT:
            _KEPT.popitem(last=False)
    made, spacing = _KEPT[key]
    return Surface(made.vertices.copy(), made.faces.copy(), name=surface.name), spacing


def _key(surface: Surface, spacing_nm: float | None) -> bytes:
    """What the result depends on."""
    parts = (surface.vertices, surface.faces, np.array([np.nan if spacing_nm is None else spacing_nm]))
    return hashlib.sha256(b"".join(repr((part.shape, part.dtype.str)).encode() + part.tobytes() for part in parts)).digest()


def _made(surface: Surface, spacing_nm: float | None) -> tuple[Surface, float]:
    edges = _edges(surface)
    spacing = _spacing(surface, edges) if spacing_nm is None else spacing_nm
    made = extract_surface(signed_distance_of(surface, spacing_nm=spacing))
    fit = condition(made, sizing=max(float(np.median(edges)), 1.5 * spacing))
    return fit, spacing


def _edges(surface: Surface) -> NDArray[np.float64]:
    """Lengths of the edges of each face, (F, 3)."""
    corners = surface.vertices[surface.faces]
    return np.asarray(np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2))


def _spacing(surface: Surface, edges: NDArray[np.float64]) -> float:
    size = np.ptp(surface.vertices[surface.faces].reshape(-1, 3), axis=0)
    by_cells = (np.maximum(size, 0.05 * size.max()).prod() / _MOST_CELLS) ** (1 / 3)
    area = surface.areas().sum()
    by_faces = np.sqrt(_FACES_PER_CELL * area / _MOST_FACES)
    thickness = 2.0 * abs(surface.volume()) / area
    return float(max(min(0.25 * np.median(edges), 0.5 * thickness), by_cells, by_faces))
