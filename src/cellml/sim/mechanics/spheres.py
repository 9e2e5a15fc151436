"""Meshes of an eighth of a hollow sphere, for cases with a closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.sim.analytic import boundary, oriented
from cellml.sim.mechanics.space import Floats, Ints
from cellml.types import TetMesh

# Splits a prism with bottom a < b < c (0–2) and top (3–5) into tetrahedra; prisms that share a face split it alike.
_PRISM = np.array([[0, 1, 2, 5], [0, 1, 4, 5], [0, 3, 4, 5]])


def hollow_octant(radii: tuple[float, ...], cells: int, layers: tuple[int, ...]) -> TetMesh:
    """The part x, y, z ≥ 0 of concentric shells.

    radii: increasing, in nm; cells: edges along each side of the spherical triangle; layers: cells across each shell. Shell k is the region
    "shell k+1"; the facets are inner, outer, the interfaces between shells ("between 1 and 2") and the planes of symmetry x0, y0, z0.
    """
    directions, triangles = _octant(cells)
    levels = [np.array(radii[:1])]
    levels += [np.linspace(a, b, n + 1)[1:] for a, b, n in zip(radii[:-1], radii[1:], layers, strict=True)]
    heights = np.concatenate(levels)
    count = len(directions)
    points = (heights[:, None, None] * directions).reshape(-1, 3)
    prisms = np.concatenate([np.hstack([triangles + k * count, triangles + (k + 1) * count]) for k in range(len(heights) - 1)])
    shells = np.repeat(np.repeat(np.arange(len(layers)), layers) + 1, 3 * len(triangles))
    tets = oriented(points, prisms[:, _PRISM].reshape(-1, 4))
    facets, tags = _tagged(tets, triangles, count, np.cumsum([0, *layers]), points)
    names = {1: "inner", 2: "outer", 3: "x0", 4: "y0", 5: "z0"} | {5 + k: f"between {k} and {k + 1}" for k in range(1, len(layers))}
    regions = {k + 1: f"shell {k + 1}" for k in range(len(layers))}
    return TetMesh(points, tets, shells.astype(np.int32), regions, facets, tags, names, "hollow octant")


def _octant(cells: int) -> tuple[Floats, Ints]:
    """Unit vectors (N, 3) and triangles (F, 3), corners increasing, of the part x, y, z ≥ 0 of the unit sphere."""
    steps = [(i, j) for i in range(cells + 1) for j in range(cells + 1 - i)]
    number = {step: k for k, step in enumerate(steps)}
    flat = np.array([(i, j, cells - i - j) for i, j in steps], dtype=float)
    up = [[number[i, j], number[i + 1, j], number[i, j + 1]] for i, j in steps if i + j < cells]
    down = [[number[i + 1, j], number[i, j + 1], number[i + 1, j + 1]] for i, j in steps if i + j < cells - 1]
    # sin² + cos² spaces the corners of an edge evenly in angle.
    angles = np.sin(0.5 * np.pi * flat / cells)
    return angles / np.linalg.norm(angles, axis=1, keepdims=True), np.sort(np.array(up + down), axis=1)


def _tagged(tets: Ints, triangles: Ints, count: int, cuts: Ints, points: Floats) -> tuple[Ints, NDArray[np.int32]]:
    outside = boundary(tets)
    level = outside // count
    tags = np.zeros(len(outside), np.int32)
    for axis in range(3):
        tags[(np.abs(points[outside][:, :, axis]) < 1e-9 * points.max()).all(axis=1)] = 3 + axis
    tags[(level == 0).all(axis=1)] = 1
    tags[(level == cuts[-1]).all(axis=1)] = 2
    inner = [triangles + cut * count for cut in cuts[1:-1]]
    inner_tags = [np.full(len(triangles), 6 + k, np.int32) for k in range(len(inner))]
    return np.concatenate([outside, *inner]), np.concatenate([tags, *inner_tags])
