"""Closed parts of a surface turned so that the object lies behind every face, cavities included."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.topology import Index
from cellml.surfaces.winding import winding_number

Floats = NDArray[np.float64]


def volumes_of_parts(vertices: Floats, faces: Index, part: Index, parts: int) -> Floats:
    """Signed volume of each closed part, (parts,), in nm³; part: (F,) the part of each face."""
    corners = vertices[faces] - vertices[faces].mean(axis=(0, 1))
    volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6.0
    return np.asarray(np.bincount(part, weights=volume, minlength=parts))


def orient_outwards(vertices: Floats, faces: Index, part: Index, parts: int) -> tuple[Index, Index, Index]:
    """Turn closed parts outwards, and those at odd depth inside others inwards, so that they bound cavities.

    vertices: (V, 3); faces: (F, 3), each part consistently oriented; part: (F,). Returns the faces, the numbers of the parts turned, and
    those of the cavities.
    """
    volume = volumes_of_parts(vertices, faces, part, parts)
    outward = np.where((volume < 0)[part][:, None], faces[:, ::-1], faces)
    depth = _depth(vertices, outward, part, parts) if parts > 1 else np.zeros(parts, np.int64)
    cavity = depth % 2 == 1
    turned = (volume < 0) != cavity
    return np.where(turned[part][:, None], faces[:, ::-1], faces), np.flatnonzero(turned), np.flatnonzero(cavity)


def _depth(vertices: Floats, outward: Index, part: Index, parts: int) -> Index:
    """How many other parts enclose each part: the winding number just behind its largest face, less its own 1."""
    corners = vertices[outward]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    size = np.linalg.norm(normal, axis=1)
    order = np.lexsort((-size, part))
    largest = order[np.searchsorted(part[order], np.arange(parts))]
    step = 1e-3 * normal[largest] / np.sqrt(np.maximum(size[largest], 1e-300))[:, None]
    behind = winding_number(vertices, outward, corners[largest].mean(axis=1) - step)
    return np.maximum(np.round(behind).astype(np.int64) - 1, 0)
