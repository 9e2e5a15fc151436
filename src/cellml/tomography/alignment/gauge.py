"""The part of a set of shifts that moves the whole specimen, and is no misalignment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.tomography.geometry import direction

Floats = NDArray[np.float64]


def without_translation(shifts: Floats, tilts: Floats) -> Floats:
    """Shifts (N, 2) in pixels (v, u) less those of the best translation of the specimen.

    A specimen displaced by (z, y, x) has its projections displaced by v = y and u = x cos t + z SENSE sin t: whatever aligns projections
    cannot know these three numbers, and a reconstruction only moves with them. They are fitted by least squares. tilts: (N,) degrees.
    """
    modes = np.stack(direction(tilts), axis=1)
    rest = np.array(shifts, dtype=np.float64)
    rest[:, 0] -= rest[:, 0].mean()
    rest[:, 1] -= modes @ np.linalg.lstsq(modes, rest[:, 1], rcond=None)[0]
    return rest


def without_axis_offset(shifts: Floats, tilts: Floats) -> Floats:
    """Shifts (N, 2) less those of the best translation and of the best constant along u, a tilt axis that is not in the middle.

    In a limited range an offset of the axis turns points into arcs whose projections still fall where the recorded ones do, so that
    comparing projections hardly tells it.
    """
    modes = np.stack([*direction(tilts), np.ones(len(tilts))], axis=1)
    rest = np.array(shifts, dtype=np.float64)
    rest[:, 0] -= rest[:, 0].mean()
    rest[:, 1] -= modes @ np.linalg.lstsq(modes, rest[:, 1], rcond=None)[0]
    return rest


def root_mean_square(shifts: Floats) -> float:
    """Root mean square length of shifts (N, 2), in their unit."""
    return float(np.sqrt((np.asarray(shifts) ** 2).sum(axis=1).mean()))
