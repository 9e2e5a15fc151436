"""Line integrals through sections, and back, compiled for the processor.

Joseph's method (IEEE Trans. Med. Imaging 1, 192, 1982): a ray is followed along the axis that it is closer to, with linear interpolation
along the other. In the coordinate u this is one formula for all tilts: voxel (z, x) and pixel i are coupled by

    w = max(0, m - |i - u(z, x)|) / m²,        m = max(|cos t|, |sin t|),

and m ≤ 1 leaves a voxel two pixels. Projection gathers along rays, back-projection gathers along tilts, both with these weights, so that
one is the transpose of the other. The axis K (all rows y of all volumes) is innermost and contiguous: the loops over it become vector
instructions, and the weights are worked out once for all K.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.pixels.compiled import compiled
from cellml.pixels.threads import in_parallel
from cellml.tomography.geometry import SENSE, Rays

Array = NDArray[Any]

# Columns of K at a time: the rows that neighbouring voxels share stay in the fastest cache.
_COLUMNS = 64


def project(volume: Array, rays: Rays) -> Array:
    """Line integrals of (Z, X, K) along all rays, (N, width, K), in the volume's number type."""
    volume = np.ascontiguousarray(volume)
    columns = volume.shape[2]
    result = np.zeros((len(rays.cos), rays.width, columns), volume.dtype)

    def work(piece: tuple[int, int]) -> None:
        tilt, first = piece
        last = min(first + _COLUMNS, columns)
        _project(volume, rays.cos[tilt], rays.sin[tilt], rays.offset[tilt], result[tilt], first, last)

    in_parallel(work, [(n, k) for k in range(0, columns, _COLUMNS) for n in range(len(rays.cos))])
    return result


def backproject(projections: Array, rays: Rays) -> Array:
    """The transpose of `project`: (N, width, K) to (Z, X, K)."""
    projections = np.ascontiguousarray(projections)
    columns = projections.shape[2]
    result = np.empty((rays.depth, rays.breadth, columns), projections.dtype)

    def work(piece: tuple[int, int]) -> None:
        z, first = piece
        last = min(first + _COLUMNS, columns)
        _backproject(projections, rays.cos, rays.sin, rays.offset + z * rays.sin, result[z], first, last)

    in_parallel(work, [(z, k) for k in range(0, columns, _COLUMNS) for z in range(rays.depth)])
    return result


def sensitivities(volume: Array, projections: Array, rays: Rays) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Derivatives of Σ projections · project(volume) by each tilt (a radian) and by each shift along u (a pixel), both (N,)."""
    volume, projections = np.ascontiguousarray(volume), np.ascontiguousarray(projections)
    by_tilt, by_shift = np.zeros(len(rays.cos)), np.zeros(len(rays.cos))

    def work(n: int) -> None:
        by_tilt[n], by_shift[n] = _sensitivity(volume, projections[n], rays.cos[n], rays.sin[n], rays.offset[n], rays.width)

    in_parallel(work, range(len(rays.cos)))
    return SENSE * by_tilt, by_shift  # both cos' and (SENSE sin)' hold SENSE as a factor


@compiled
def _project(volume: Array, cos: float, sin: float, offset: float, target: Array, first: int, last: int) -> None:
    """One tilt: target (width, K) gathers along each ray; steps along z where |cos| ≥ |sin|, else along x."""
    depth, breadth, _ = volume.shape
    along_z = abs(cos) >= abs(sin)
    steps, across = (depth, breadth) if along_z else (breadth, depth)
    forward, sideways = (sin, cos) if along_z else (cos, sin)
    scale = 1.0 / abs(sideways)
    for u in range(target.shape[0]):
        row = target[u]
        for step in range(steps):
            position = (u - offset - step * forward) / sideways
            if position <= -1.0 or position >= across:
                continue
            low = math.floor(position)
            part = position - low
            lower = volume.dtype.type((1.0 - part) * scale)
            upper = volume.dtype.type(part * scale)
            if low < 0:
                near, far, lower = 0, 0, volume.dtype.type(0.0)
            elif low + 1 >= across:
                near, far, upper = low, low, volume.dtype.type(0.0)
            else:
                near, far = low, low + 1
            a = volume[step, near] if along_z else volume[near, step]
            b = volume[step, far] if along_z else volume[far, step]
            for k in range(first, last):
                row[k] += lower * a[k] + upper * b[k]


@compiled
def _backproject(projections: Array, cos: Array, sin: Array, offset: Array, target: Array, first: int, last: int) -> None:
    """One row z of sections: target (X, K) gathers the two pixels of each tilt; offset: of this z."""
    tilts, width, _ = projections.shape
    for x in range(target.shape[0]):
        row = target[x]
        row[first:last] = 0
        for n in range(tilts):
            position = offset[n] + x * cos[n]
            if position <= -1.0 or position >= width:
                continue
            low = math.floor(position)
            part = position - low
            reach = max(abs(cos[n]), abs(sin[n]))
            scale = 1.0 / (reach * reach)
            lower = projections.dtype.type(max(0.0, reach - part) * scale)
            upper = projections.dtype.type(max(0.0, reach - 1.0 + part) * scale)
            if low < 0:
                near, far, lower = 0, 0, projections.dtype.type(0.0)
            elif low + 1 >= width:
                near, far, upper = low, low, projections.dtype.type(0.0)
            else:
                near, far = low, low + 1
            a = projections[n, near]
            b = projections[n, far]
            for k in range(first, last):
                row[k] += lower * a[k] + upper * b[k]


@compiled
def _sensitivity(volume: Array, projection: Array, cos: float, sin: float, offset: float, width: int) -> tuple[float, float]:
    """Derivatives of Σ projection · line integrals by the tilt and the shift, from those of the weights w = 1/m - |i - u| / m²."""
    depth, breadth, columns = volume.shape
    along_z = abs(cos) >= abs(sin)
    reach = abs(cos) if along_z else abs(sin)
    widening = (-math.copysign(1.0, cos) * sin) if along_z else (math.copysign(1.0, sin) * cos)
    by_tilt, by_shift = 0.0, 0.0
    for z in range(depth):
        for x in range(breadth):
            position = offset + x * cos + z * sin
            if position <= -1.0 or position >= width:
                continue
            low = math.floor(position)
            moved = (z - 0.5 * (depth - 1)) * cos - (x - 0.5 * (breadth - 1)) * sin
            for side in range(2):
                pixel = low + side
                distance = abs(pixel - position)
                if pixel < 0 or pixel >= width or distance >= reach:
                    continue
                both = 0.0
                for k in range(columns):
                    both += volume[z, x, k] * projection[pixel, k]
                slope = (2.0 * side - 1.0) / (reach * reach)
                by_shift += slope * both
                by_tilt += (slope * moved + (2.0 * distance / reach - 1.0) / (reach * reach) * widening) * both
    return by_tilt, by_shift
