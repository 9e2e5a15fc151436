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

# Columns of K at a time: enough to spread the cost of the weights, few enough that rows which neighbours share stay in the cache.
_COLUMNS = 128

# Tilts, or steps along a ray, at a time. Their rows lie a power of two apart in memory for common sizes, and a cache holds few such rows.
_BLOCK = 8


def project(volume: Array, rays: Rays) -> Array:
    """Line integrals of (Z, X, K) along all rays, (N, width, K), in the volume's number type."""
    columns = volume.shape[2]
    result = np.empty((len(rays.cos), rays.width, columns), volume.dtype)
    for part in _parts(columns):
        source = np.ascontiguousarray(volume[:, :, part])
        target = result if source.shape == volume.shape else np.empty((*result.shape[:2], source.shape[2]), volume.dtype)

        def work(n: int, source: Array = source, target: Array = target) -> None:
            _project(source, rays.cos[n], rays.sin[n], rays.offset[n], target[n])

        in_parallel(work, range(len(rays.cos)))
        if target is not result:
            result[:, :, part] = target
    return result


def backproject(projections: Array, rays: Rays) -> Array:
    """The transpose of `project`: (N, width, K) to (Z, X, K)."""
    columns = projections.shape[2]
    result = np.empty((rays.depth, rays.breadth, columns), projections.dtype)
    for part in _parts(columns):
        source = np.ascontiguousarray(projections[:, :, part])
        target = result if source.shape == projections.shape else np.empty((*result.shape[:2], source.shape[2]), source.dtype)

        def work(z: int, source: Array = source, target: Array = target) -> None:
            _backproject(source, rays.cos, rays.sin, rays.offset + z * rays.sin, target[z])

        in_parallel(work, range(rays.depth))
        if target is not result:
            result[:, :, part] = target
    return result


def _parts(columns: int) -> list[slice]:
    return [slice(first, min(first + _COLUMNS, columns)) for first in range(0, columns, _COLUMNS)]


def sensitivities(volume: Array, projections: Array, rays: Rays) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Derivatives of Σ projections · project(volume) by each tilt (a radian) and by each shift along u (a pixel), both (N,)."""
    volume, projections = np.ascontiguousarray(volume), np.ascontiguousarray(projections)
    by_tilt, by_shift = np.zeros(len(rays.cos)), np.zeros(len(rays.cos))

    def work(n: int) -> None:
        by_tilt[n], by_shift[n] = _sensitivity(volume, projections[n], rays.cos[n], rays.sin[n], rays.offset[n], rays.width)

    in_parallel(work, range(len(rays.cos)))
    return SENSE * by_tilt, by_shift  # both cos' and (SENSE sin)' hold SENSE as a factor


@compiled
def _add(table: Array, index: Array, weight: Array, target: Array) -> None:
    """Add Σ weight · table[index] to target (K,), eight rows at a time; their number is a multiple of eight."""
    for i in range(0, len(index), 8):
        a, b, c, d = table[index[i]], table[index[i + 1]], table[index[i + 2]], table[index[i + 3]]
        e, f, g, h = table[index[i + 4]], table[index[i + 5]], table[index[i + 6]], table[index[i + 7]]
        p, q, r, s = weight[i], weight[i + 1], weight[i + 2], weight[i + 3]
        t, u, v, w = weight[i + 4], weight[i + 5], weight[i + 6], weight[i + 7]
        for k in range(len(target)):
            target[k] += p * a[k] + q * b[k] + r * c[k] + s * d[k] + (t * e[k] + u * f[k] + v * g[k] + w * h[k])


@compiled
def _project(volume: Array, cos: float, sin: float, offset: float, target: Array) -> None:
    """One tilt: target (width, K) gathers along each ray; steps along z where |cos| ≥ |sin|, else along x."""
    depth, breadth, columns = volume.shape
    table = volume.reshape(depth * breadth, columns)
    along_z = abs(cos) >= abs(sin)
    steps, across = (depth, breadth) if along_z else (breadth, depth)
    forward, sideways = (sin, cos) if along_z else (cos, sin)
    stride, pace = (breadth, 1) if along_z else (1, breadth)
    scale, slope, start = 1.0 / sideways, forward / sideways, -offset / sideways
    index, weight = np.zeros(2 * _BLOCK, np.uint64), np.zeros(2 * _BLOCK, volume.dtype)
    target[:] = 0
    for first in range(0, steps, _BLOCK):
        for u in range(target.shape[0]):
            met = False
            for j in range(_BLOCK):
                step = first + j
                position = start + u * scale - step * slope
                weight[2 * j], weight[2 * j + 1] = 0.0, 0.0
                if step >= steps or position <= -1.0 or position >= across:
                    continue
                low = math.floor(position)
                part = position - low
                if low >= 0:
                    index[2 * j], weight[2 * j] = step * stride + low * pace, (1.0 - part) * abs(scale)
                if low + 1 < across:
                    index[2 * j + 1], weight[2 * j + 1] = step * stride + (low + 1) * pace, part * abs(scale)
                met = True
            if met:
                _add(table, index, weight, target[u])


@compiled
def _backproject(projections: Array, cos: Array, sin: Array, offset: Array, target: Array) -> None:
    """One row z of sections: target (X, K) gathers the two pixels of each tilt; offset: of this z."""
    tilts, width, columns = projections.shape
    table = projections.reshape(tilts * width, columns)
    reach = np.maximum(np.abs(cos), np.abs(sin))
    index, weight = np.zeros(2 * _BLOCK, np.uint64), np.zeros(2 * _BLOCK, projections.dtype)
    target[:] = 0
    for first in range(0, tilts, _BLOCK):
        for x in range(target.shape[0]):
            for j in range(_BLOCK):
                n = first + j
                weight[2 * j], weight[2 * j + 1] = 0.0, 0.0
                if n >= tilts:
                    continue
                position = offset[n] + x * cos[n]
                if position <= -1.0 or position >= width:
                    continue
                low = math.floor(position)
                part = position - low
                if low >= 0:
                    index[2 * j], weight[2 * j] = n * width + low, max(0.0, reach[n] - part) / reach[n] ** 2
                if low + 1 < width:
                    index[2 * j + 1], weight[2 * j + 1] = n * width + low + 1, max(0.0, reach[n] - 1.0 + part) / reach[n] ** 2
            _add(table, index, weight, target[x])


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
