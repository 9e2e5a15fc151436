"""Cubic splines of volumes evaluated on a rotated lattice, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from cellml.pixels.compiled import compiled

_inline = njit(inline="always")


@_inline
def _mirrored(index: int, size: int) -> int:
    """An index beyond an axis of `size` voxels, mirrored at the centres of the first and the last voxel."""
    if size == 1:
        return 0
    period = 2 * size - 2
    index = abs(index) % period
    return period - index if index >= size else index


@_inline
def _weights(t: float, out: Any) -> None:
    """Weights of the four cubic B-splines around a place t ∈ [0, 1) behind the second (Unser 1999, eq. 9)."""
    s = 1 - t
    out[0] = s * s * s / 6
    out[1] = 2 / 3 - t * t * (2 - t) / 2
    out[2] = 2 / 3 - s * s * (2 - s) / 2
    out[3] = t * t * t / 6


@compiled
def sample_rotated(coefficients: Any, centre: Any, rotation: Any, fade: float, block: Any, inside: Any) -> None:
    """Fill block (C, n, n, n) with the splines at centre + R (p − (n − 1) / 2), and inside (n, n, n), as `rotated_block` says."""
    channels, depth, height, width = coefficients.shape
    n = inside.shape[0]
    middle = (n - 1) / 2
    wz, wy, wx = np.empty(4, np.float32), np.empty(4, np.float32), np.empty(4, np.float32)
    iz, iy, ix = np.empty(4, np.int64), np.empty(4, np.int64), np.empty(4, np.int64)
    for a in range(n):
        for b in range(n):
            for c in range(n):
                z = centre[0] + rotation[0, 0] * (a - middle) + rotation[0, 1] * (b - middle) + rotation[0, 2] * (c - middle)
                y = centre[1] + rotation[1, 0] * (a - middle) + rotation[1, 1] * (b - middle) + rotation[1, 2] * (c - middle)
                x = centre[2] + rotation[2, 0] * (a - middle) + rotation[2, 1] * (b - middle) + rotation[2, 2] * (c - middle)
                border = min(z, depth - 1 - z, y, height - 1 - y, x, width - 1 - x) + 0.5
                inside[a, b, c] = min(1.0, max(0.0, border / fade))
                fz, fy, fx = int(np.floor(z)), int(np.floor(y)), int(np.floor(x))
                _weights(z - fz, wz)
                _weights(y - fy, wy)
                _weights(x - fx, wx)
                for i in range(4):
                    iz[i] = _mirrored(fz - 1 + i, depth)
                    iy[i] = _mirrored(fy - 1 + i, height)
                    ix[i] = _mirrored(fx - 1 + i, width)
                for channel in range(channels):
                    total = np.float32(0)
                    for i in range(4):
                        plane = np.float32(0)
                        for j in range(4):
                            row = np.float32(0)
                            for k in range(4):
                                row += wx[k] * coefficients[channel, iz[i], iy[j], ix[k]]
                            plane += wy[j] * row
                        total += wz[i] * plane
                    block[channel, a, b, c] = total
