"""Differences of neighbouring voxels, and eigenvalues of the symmetric matrices that they make."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


def difference(field: Field, axis: int) -> Field:
    """(f(i+1) − f(i−1)) / 2 along one axis; the field is continued by reflection, so that at its face the neighbour is the voxel itself."""
    ahead, behind = _neighbours(field, axis)
    return np.asarray((ahead - behind) * np.float32(0.5))


def second_difference(field: Field, axis: int) -> Field:
    """f(i+1) − 2 f(i) + f(i−1) along one axis, continued by reflection."""
    ahead, behind = _neighbours(field, axis)
    ahead += behind
    ahead -= 2 * field
    return ahead


def pairs(axes: Sequence[int]) -> list[tuple[int, int]]:
    """The entries of a symmetric matrix on and above its diagonal, row by row."""
    return list(combinations_with_replacement(axes, 2))


def eigenvalues(entries: Sequence[Field]) -> list[Field]:
    """Eigenvalues, largest first, of a symmetric 2 × 2 matrix (3 entries) or 3 × 3 matrix (6 entries, ordered as `pairs`) at each voxel.

    2 × 2: (a + d)/2 ± √(((a − d)/2)² + b²). 3 × 3: q + 2p cos(φ + 2πk/3), with q the mean of the diagonal, p² = tr((A − qI)²)/6 and
    cos 3φ = det((A − qI)/p)/2 (Smith 1961, Communications of the ACM 4:168).
    """
    if len(entries) == 3:
        a, b, d = entries
        mean, half = (a + d) * np.float32(0.5), (a - d) * np.float32(0.5)
        root = np.sqrt(half * half + b * b)
        return [mean + root, mean - root]
    a, b, c, d, e, f = entries
    mean = (a + d + f) / np.float32(3)
    a, d, f = a - mean, d - mean, f - mean
    spread = np.sqrt((a * a + d * d + f * f + 2 * (b * b + c * c + e * e)) / np.float32(6))
    safe = np.maximum(spread, np.float32(1e-12))
    a, b, c, d, e, f = (entry / safe for entry in (a, b, c, d, e, f))
    determinant = a * (d * f - e * e) - b * (b * f - c * e) + c * (b * e - c * d)
    angle = np.arccos(np.clip(determinant * np.float32(0.5), -1, 1)) / np.float32(3)
    first, last = (mean + 2 * spread * np.cos(angle + np.float32(turn)) for turn in (0, 2 * np.pi / 3))
    return [first, 3 * mean - first - last, last]


def _neighbours(field: Field, axis: int) -> tuple[Field, Field]:
    """The field shifted by one voxel either way, its last voxel repeated."""
    size = field.shape[axis]
    inner, first, last = ([slice(None)] * field.ndim for _ in range(3))
    ahead, behind = np.empty_like(field), np.empty_like(field)
    inner[axis], first[axis], last[axis] = slice(1, None), slice(0, 1), slice(size - 1, size)
    short = list(inner)
    short[axis] = slice(0, size - 1)
    ahead[tuple(short)], ahead[tuple(last)] = field[tuple(inner)], field[tuple(last)]
    behind[tuple(inner)], behind[tuple(first)] = field[tuple(short)], field[tuple(first)]
    return ahead, behind
