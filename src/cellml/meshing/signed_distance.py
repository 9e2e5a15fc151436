"""Smooth signed distance of a binary object, the geometry that the mesh follows.

A label volume is a staircase. Its signed distance, smoothed by about one voxel, has a level set without stairs; the level is chosen
later so that the enclosed volume is that of the voxels (volume-preserving iso-shift, see `cellml.meshing.cut.volume_preserving_level`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cellml.types import Triple


def smooth_signed_distance(mask: NDArray[np.bool_], spacing: Triple, *, smoothing: float = 1.0) -> NDArray[np.float64]:
    """Signed distance to the boundary of an object, smoothed by a Gaussian; negative inside.

    φ = G_σ ∗ (d_out − d_in), with Euclidean distances in nm to the nearest voxel of the other side, less half a voxel, so that the
    unsmoothed φ is zero half-way between two voxels.

    mask: (Z, Y, X); spacing: (z, y, x) in nm; smoothing: σ in voxels along each axis, so that thick sections are smoothed over sections.
    Returns (Z, Y, X) in nm. The mask must hold both True and False.
    """
    half = 0.5 * min(spacing)
    outside = ndimage.distance_transform_edt(~mask, sampling=spacing) - half
    inside = ndimage.distance_transform_edt(mask, sampling=spacing) - half
    distance = np.where(mask, -inside, outside)
    if smoothing <= 0:
        return distance
    return np.asarray(ndimage.gaussian_filter(distance, smoothing, mode="nearest"))


def sample_linear(field: NDArray[np.float64], indices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Trilinear values of a voxel field at points given in voxel indices.

    field: (Z, Y, X); indices: (P, 3), columns (z, y, x), fractional; points outside take the nearest border value. Returns (P,).
    """
    return np.asarray(ndimage.map_coordinates(field, indices.T, order=1, mode="nearest"))
