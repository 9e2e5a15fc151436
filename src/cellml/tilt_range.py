"""Angles that a tilt series can have been recorded at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError


def require_tilt_range(angles: NDArray[np.float64], name: str) -> None:
    """Raise CellmlError, with the remedy, unless angles (N,) in degrees are finite, at least two, within ±180°, and all different."""
    if not np.isfinite(angles).all():
        raise CellmlError(f"{name!r} has angles that are not finite numbers: {angles[~np.isfinite(angles)].tolist()}.")
    if len(angles) < 2:
        raise CellmlError(
            f"{name!r} has one projection; a reconstruction needs at least two, at different tilts. Name the whole stack, or exclude fewer."
        )
    if np.abs(angles).max() > 180:
        raise CellmlError(f"{name!r} has an angle of {angles[np.abs(angles).argmax()]:g}°; tilts lie between -180° and 180°.")
    values, counts = np.unique(np.round(angles, 3), return_counts=True)
    if len(values) == 1:
        raise CellmlError(
            f"All {len(angles)} projections of {name!r} are at {values[0]:g}°: a range of 0° holds no depth. "
            "Give the recorded angles: angles=FILE.tlt or angles=[…]."
        )
    if (counts > 1).any():
        twice = ", ".join(f"{v:g}°" for v in values[counts > 1])
        later = np.setdiff1d(np.arange(len(angles)), np.unique(np.round(angles, 3), return_index=True)[1])
        raise CellmlError(
            f"{name!r} has angles that occur more than once ({twice}). Correct the angles, average the doubled projections, or "
            f"leave the later ones out: exclude={later[:12].tolist()}."
        )
