"""Rotations in space, and blocks of a volume seen in a rotated frame.

A rotation R is a (3, 3) matrix on offsets (z, y, x). The rotated block is u(p) = v(c + R p), with p counted from the block's centre, so
that its transform is û(k) = v̂(R k) up to a phase: what was measured at R k is known at k.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float32]


def random_rotation(rng: np.random.Generator) -> NDArray[np.float64]:
    """A rotation drawn evenly from all of them, (3, 3): a normal 4-vector has an even direction, which as a quaternion is one
    (Muller 1959; Shoemake 1992).
    """
    w, a, b, c = (q := rng.normal(size=4)) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (b * b + c * c), 2 * (a * b - c * w), 2 * (a * c + b * w)],
            [2 * (a * b + c * w), 1 - 2 * (a * a + c * c), 2 * (b * c - a * w)],
            [2 * (a * c - b * w), 2 * (b * c + a * w), 1 - 2 * (a * a + b * b)],
        ]
    )


def spline_coefficients(volumes: NDArray[Any]) -> Floats:
    """Coefficients of the cubic B-splines through the voxels of (C, Z, Y, X), of the same shape, float32; mirrored beyond the borders.

    A cubic spline keeps the fine structure that linear interpolation blurs (Unser 1999, doi:10.1109/79.799930): the network is trained on
    rotated blocks and then shown ones that were not, which should be as sharp.
    """
    from scipy.ndimage import spline_filter

    return np.stack([spline_filter(np.asarray(v, np.float32), order=3, output=np.float32, mode="mirror") for v in volumes])


def rotated_block(
    coefficients: Floats, centre: Sequence[float], rotation: NDArray[np.float64], size: int, fade: float = 1.0
) -> tuple[Floats, Floats]:
    """A cube of `size` voxels around a point of volumes, in the rotated frame.

    coefficients: (C, Z, Y, X), of `spline_coefficients`; centre: (z, y, x) in voxels. Returns the block (C, size, size, size), which shows
    the volumes mirrored at their borders where it reaches beyond them, and how far inside each voxel lies, (size, size, size): 0 beyond
    the border of the volume, 1 from `fade` voxels inside it. Raises CellmlError for a size below 1.
    """
    from cellml.tomography.spline import sample_rotated

    if size < 1 or coefficients.ndim != 4:
        raise CellmlError(f"A rotated block needs volumes (C, Z, Y, X) and a size of 1 voxel or more, got {coefficients.shape} and {size}.")
    block = np.empty((len(coefficients), size, size, size), np.float32)
    inside = np.empty((size, size, size), np.float32)
    sample_rotated(coefficients, np.asarray(centre, np.float64), np.asarray(rotation, np.float64), max(float(fade), 1e-3), block, inside)
    return block, inside
