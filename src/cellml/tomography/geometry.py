"""Where a voxel falls on the detector.

The tilt axis runs along Y through the centre of the volume; the centre of an axis of n voxels is the index (n - 1) / 2, which is the middle
of its extent, for the volume and for the detector alike. A voxel at (z, y, x) from the centre falls, at the tilt t, on the detector at

    u = x cos t + z SENSE sin t + shift_x,        v = y + shift_y,

all in pixels. With SENSE = +1 that is the right-handed rotation of the specimen by t about +Y, seen along Z: at a positive tilt, what lies
high in z moves towards larger x.

This is IMOD's convention for `.tlt` files. IMOD's program `tilt` back-projects with u = x cos t - r sin t, where r counts the rows of its
sections perpendicular to the tilt axis; these sections are the specimen turned by 90° about X, so that a row is r = -z, and the formula
above holds for the volume once it was turned back about X (`trimvol -rx`, `rotatevol`), which keeps its handedness. A volume whose Y and
Z were merely exchanged (`trimvol -yz`) is the mirror image, and its angles need the opposite sign. IMOD's centre, n / 2 + 0.5 counted
from 1, is the centre above. Rows of an image and y of the volume have the same order: row 0 is y = 0, the bottom of an IMOD display.

By the central slice theorem a tilt measures the plane of the volume's Fourier transform that is spanned by k_y and the direction
(k_x, k_z) ∝ (cos t, SENSE sin t).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

SENSE = 1.0


def centre(size: int) -> float:
    """The index in the middle of an axis of `size` voxels."""
    return (size - 1) / 2


def direction(tilts: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(cos t, SENSE sin t) of tilts in degrees: what u gains for a step in x and for a step in z."""
    radians = np.deg2rad(np.asarray(tilts, dtype=np.float64).reshape(-1))
    return np.cos(radians), SENSE * np.sin(radians)


@dataclass(frozen=True, eq=False)
class Rays:
    """The lines of all tilts through one (Z, X) section: u = offset + x cos + z sin, with x and z counted from 0.

    cos, sin, offset: (N,) float64, sin with SENSE; depth, breadth: voxels of the section along z and x; width: detector pixels along u.
    """

    cos: NDArray[np.float64]
    sin: NDArray[np.float64]
    offset: NDArray[np.float64]
    depth: int
    breadth: int
    width: int

    def subset(self, chosen: Sequence[int] | NDArray[np.int64] | slice) -> Rays:
        """The rays of some of the tilts."""
        return Rays(self.cos[chosen], self.sin[chosen], self.offset[chosen], self.depth, self.breadth, self.width)


def rays(tilts: Any, *, depth: int, breadth: int, width: int | None = None, shift: Any = 0.0) -> Rays:
    """Rays of tilts (N,) in degrees through sections of depth × breadth voxels onto `width` pixels (breadth, where None).

    shift: pixels along u, one number or (N,). Raises CellmlError for sizes below 1, tilts that are not finite and shifts of another number.
    """
    width = breadth if width is None else width
    if min(depth, breadth, width) < 1:
        raise CellmlError(f"A section of {depth} × {breadth} voxels (z, x) on {width} detector pixels is empty; give sizes of at least 1.")
    cos, sin = direction(tilts)
    moved = np.asarray(shift, dtype=np.float64).reshape(-1)
    if not np.isfinite(cos).all() or cos.size == 0:
        raise CellmlError(f"Tilts must be finite numbers of degrees, one at least; got {np.asarray(tilts).tolist()}.")
    if moved.size not in (1, cos.size) or not np.isfinite(moved).all():
        raise CellmlError(f"{cos.size} tilts need as many finite shifts in pixels; got {moved.tolist()}.")
    return Rays(cos, sin, centre(width) + moved - centre(breadth) * cos - centre(depth) * sin, depth, breadth, width)
