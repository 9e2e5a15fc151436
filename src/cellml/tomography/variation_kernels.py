"""A step of total-variation denoising in two passes over memory, compiled for the processor."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray

from cellml.pixels.compiled import compiled
from cellml.pixels.threads import in_parallel

Array = NDArray[Any]


def estimate(noisy: Array, dual: Array, weight: float, nonnegative: bool, target: Array) -> None:
    """Write noisy + weight · div dual to the target, all (Z, X, K) but the dual, (3, Z, X, K), which is 0 at the far borders."""
    in_parallel(lambda z: _estimate(noisy, dual, weight, nonnegative, target, z), range(len(noisy)))


def ascend(image: Array, weight: float, ahead: Array, dual: Array, momentum: float) -> None:
    """Set dual ← ahead + ∇ image / (12 weight), cut to length 1, and ahead ← the dual and `momentum` times its change: (3, Z, X, K)."""
    in_parallel(lambda z: _ascend(image, 1 / (12 * weight), ahead, dual, momentum, z), range(len(image)))


@compiled
def _estimate(noisy: Array, dual: Array, weight: float, nonnegative: bool, target: Array, z: int) -> None:
    _, breadth, columns = noisy.shape
    scale, least = noisy.dtype.type(weight), noisy.dtype.type(0.0 if nonnegative else -math.inf)
    below = noisy.dtype.type(1.0 if z > 0 else 0.0)
    for x in range(breadth):
        left = noisy.dtype.type(1.0 if x > 0 else 0.0)
        here, under, beside = dual[0, z, x], dual[0, max(z - 1, 0), x], dual[1, z, max(x - 1, 0)]
        side, along, value, result = dual[1, z, x], dual[2, z, x], noisy[z, x], target[z, x]
        for k in range(columns):
            result[k] = value[k] + scale * (here[k] - below * under[k] + side[k] - left * beside[k] + along[k])
        for k in range(columns - 1):
            result[k + 1] -= scale * along[k]
        for k in range(columns):
            result[k] = max(result[k], least)


@compiled
def _ascend(image: Array, step: float, ahead: Array, dual: Array, momentum: float, z: int) -> None:
    depth, breadth, columns = image.shape
    rate, more, one = image.dtype.type(step), image.dtype.type(momentum), image.dtype.type(1.0)
    for x in range(breadth):
        here, above, right = image[z, x], image[min(z + 1, depth - 1), x], image[z, min(x + 1, breadth - 1)]
        a0, a1, a2 = ahead[0, z, x], ahead[1, z, x], ahead[2, z, x]
        d0, d1, d2 = dual[0, z, x], dual[1, z, x], dual[2, z, x]
        for k in range(columns):
            q0, q1 = a0[k] + rate * (above[k] - here[k]), a1[k] + rate * (right[k] - here[k])
            q2 = a2[k] + rate * (here[min(k + 1, columns - 1)] - here[k])
            scale = one / max(one, math.sqrt(q0 * q0 + q1 * q1 + q2 * q2))
            q0, q1, q2 = q0 * scale, q1 * scale, q2 * scale
            a0[k], a1[k], a2[k] = q0 + more * (q0 - d0[k]), q1 + more * (q1 - d1[k]), q2 + more * (q2 - d2[k])
            d0[k], d1[k], d2[k] = q0, q1, q2
