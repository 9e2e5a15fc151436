"""From a boundary probability map to objects."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.segmentation.neighbourhood import BLENDED, NEAREST, pair_slices


class Decoder(Protocol):
    """Anything that turns affinities (K, Z, Y, X) with their offsets into objects (Z, Y, X)."""

    def __call__(self, affinities: NDArray[Any], offsets: Any, mask: NDArray[np.bool_] | None = None) -> NDArray[np.uint32]:
        """Return objects numbered above 0."""
        ...


def affinities_from_boundary(boundary: NDArray[Any]) -> NDArray[np.float32]:
    """Nearest-neighbour affinities 1 − max(b(v), b(v + o)): a pair is together unless either voxel is boundary.

    boundary: (Z, Y, X) probability in [0, 1] of lying on a boundary. Returns (3, Z, Y, X) float32, 0 for pairs outside the volume. Raises
    CellmlError for another number of axes or other values.
    """
    if boundary.ndim != 3:
        raise CellmlError(f"A boundary map must have the axes (Z, Y, X), got shape {boundary.shape}.")
    low, high = float(boundary.min()), float(boundary.max())
    if not (low >= 0.0 and high <= 1.0 + BLENDED):
        raise CellmlError(f"Boundary probabilities must lie in [0, 1] and be finite, got values from {low} to {high}.")
    affinities = np.zeros((3, *boundary.shape), np.float32)
    for channel, offset in enumerate(NEAREST):
        here, there = pair_slices(boundary.shape, offset)
        affinities[channel][here] = 1.0 - np.minimum(np.maximum(boundary[here], boundary[there]), 1.0)
    return affinities


def decode_boundary(boundary: NDArray[Any], decoder: Decoder, mask: NDArray[np.bool_] | None = None) -> NDArray[np.uint32]:
    """Objects (Z, Y, X) from boundary probabilities (Z, Y, X), by any decoder that is content with nearest neighbours."""
    return decoder(affinities_from_boundary(boundary), NEAREST, mask)
