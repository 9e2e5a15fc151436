"""Triangle surfaces cut into small pieces of equal shape, for sampling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SurfaceSamples:
    """Small triangles that tile a surface.

    corners: (S, 3, 3); owner: (S,), the triangle of the surface each was cut from; centroids: (S, 3); areas: (S,); reach: (S,),
    distance of the centroid to the furthest corner. Lengths in the unit of the corners.
    """

    corners: Floats
    owner: Index
    centroids: Floats
    areas: Floats
    reach: Floats


def sample_triangles(corners: Floats, edge: float, *, most: int = 400_000) -> SurfaceSamples:
    """Cut triangles (F, 3, 3) into n² similar ones whose longest edge is at most `edge`, or into about `most` in all."""
    lengths = np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=2).max(axis=1)
    cuts = np.maximum(np.ceil(lengths / edge), 1.0)
    total = float((cuts**2).sum())
    if total > most:
        cuts = np.maximum(np.ceil(cuts * np.sqrt(most / total)), 1.0)
    parts, owners = [], []
    for n in np.unique(cuts).astype(int):
        chosen = np.flatnonzero(cuts == n)
        small = np.einsum("abk,fkd->fabd", barycentric_cut(n), corners[chosen])
        parts.append(small.reshape(-1, 3, 3))
        owners.append(np.repeat(chosen, n * n))
    return describe(np.concatenate(parts), np.concatenate(owners))


def describe(corners: Floats, owner: Index) -> SurfaceSamples:
    """Centroids, areas and reaches of small triangles, corners (S, 3, 3)."""
    centroids = corners.mean(axis=1)
    areas = 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    reach = np.sqrt(((corners - centroids[:, None]) ** 2).sum(axis=2).max(axis=1))
    return SurfaceSamples(corners, owner, centroids, areas, reach)


def barycentric_cut(n: int) -> Floats:
    """Corners of the n² similar triangles that tile a triangle, in barycentric coordinates, (n², 3 corners, 3)."""
    up = [((i, j), (i + 1, j), (i, j + 1)) for i in range(n) for j in range(n - i)]
    down = [((i + 1, j), (i + 1, j + 1), (i, j + 1)) for i in range(n - 1) for j in range(n - 1 - i)]
    first = np.array(up + down, dtype=float) / n
    return np.concatenate([first, 1.0 - first.sum(axis=2, keepdims=True)], axis=2)
