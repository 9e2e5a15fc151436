"""A closed surface made anew from the winding number of a broken one."""

from __future__ import annotations

import numpy as np

from cellml.surfaces.distance import signed_distance_of
from cellml.surfaces.extraction import extract_surface
from cellml.types import Surface

_MOST_CELLS = 2.0e6
_FEWEST_ALONG = 24.0


def reconstruct(surface: Surface, *, spacing_nm: float | None = None) -> tuple[Surface, float]:
    """Zero level set of the signed distance with the sign of the winding number (Barill et al. 2018).

    spacing_nm: voxel edge of the distance; half the median edge of the surface if None, within what makes at least 24 voxels along its
    longest side and at most two million altogether. Details below two voxels are lost. Returns the surface and the spacing used. Raises
    CellmlError where inside and outside cannot be told apart.
    """
    spacing = _spacing(surface) if spacing_nm is None else spacing_nm
    made = extract_surface(signed_distance_of(surface, spacing_nm=spacing))
    return Surface(made.vertices, made.faces, name=surface.name), spacing


def _spacing(surface: Surface) -> float:
    corners = surface.vertices[surface.faces]
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    size = np.ptp(corners.reshape(-1, 3), axis=0)
    finest = float((np.maximum(size, 0.05 * size.max()).prod() / _MOST_CELLS) ** (1 / 3))
    return float(max(min(0.5 * np.median(edges), size.max() / _FEWEST_ALONG), finest))
