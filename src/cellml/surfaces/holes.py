"""Holes closed by the triangulation of least area of their border (Barequet & Sharir 1995)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.topology import Index

Floats = NDArray[np.float64]

_FLAT = 1e-3  # area as part of the squared edges
_LONGEST = 300  # corners of a border that is triangulated exactly, at n³ / 6 triangles; longer ones get a fan around their centre


def border_loops(vertices: Floats, faces: Index, opposite: Index) -> tuple[list[Index], Index]:
    """Borders of a manifold oriented surface as closed rings of vertices, in the direction in which a filling face runs.

    A ring that comes back to a place where it has been, as around two holes that touch in a vertex, is two rings, and the copies of that
    vertex are one. Returns the rings and, for each vertex, the one that it becomes, (V,).
    """
    free = np.flatnonzero(opposite < 0)
    start, end = faces.ravel()[free], faces.ravel()[3 * (free // 3) + (free % 3 + 1) % 3]
    follows = dict(zip(end.tolist(), start.tolist(), strict=True))
    becomes = np.arange(len(vertices))
    loops: list[Index] = []
    while follows:
        first, at = follows.popitem()
        ring = [first]
        while at != first:
            ring.append(at)
            at = follows.pop(at)
        loops += _split_at_meetings(vertices, ring, becomes)
    return loops, becomes


def _split_at_meetings(vertices: Floats, ring: list[int], becomes: Index) -> list[Index]:
    loops, path, seen = [], [], {}
    for vertex in ring:
        place = vertices[vertex].tobytes()
        path.append(becomes[vertex])
        if place not in seen:
            seen[place] = len(path) - 1
            continue
        begin = seen[place]
        becomes[vertex] = path[begin]
        loop, path = path[begin:-1], path[: begin + 1]
        seen = {key: index for key, index in seen.items() if index <= begin}
        loops.append(np.array(loop, np.int64))
    return [loop for loop in [*loops, np.array(path, np.int64)] if len(loop) > 2]


def fill_hole(vertices: Floats, faces: Index, ring: Index) -> tuple[Floats, Index]:
    """Close one hole. Returns vertices (one more where the border is long) and the filling faces, counter-clockwise from outside.

    ring: (N,) vertices of the border in the direction of the filling faces. No chord repeats an edge that the surface has already; where
    that cannot be avoided, a vertex in the middle of the border takes a fan.
    """
    if len(ring) == 3:
        return vertices, ring[None, :]
    if len(ring) <= _LONGEST:
        filling = _least_area(vertices[ring], _taken(faces, ring))
        if filling is not None:
            return vertices, ring[filling]
    centre = len(vertices)
    fan = np.stack([ring, np.roll(ring, -1), np.full(len(ring), centre)], axis=1)
    return np.concatenate([vertices, vertices[ring].mean(axis=0, keepdims=True)]), fan


def _taken(faces: Index, ring: Index) -> NDArray[np.bool_]:
    """Pairs of border vertices that an edge joins already, (N, N), not counting the border itself."""
    place = {int(v): k for k, v in enumerate(ring)}
    near = faces[np.isin(faces, ring).sum(axis=1) >= 2]
    taken = np.zeros((len(ring), len(ring)), bool)
    for a, b in near[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2).tolist():
        if a in place and b in place:
            taken[place[a], place[b]] = taken[place[b], place[a]] = True
    return taken


def _least_area(corners: Floats, taken: NDArray[np.bool_]) -> Index | None:
    """Triangulation of a closed polygon with the least total area, (N - 2, 3), or None if every one needs a taken chord.

    W(i, k) = min over i < m < k of W(i, m) + W(m, k) + cost(i, m, k), by increasing k - i.
    """
    n = len(corners)
    weight = np.full((n, n), np.inf)
    weight[np.arange(n - 1), np.arange(1, n)] = 0.0
    best = np.zeros((n, n), np.int64)
    for gap in range(2, n):
        i = np.arange(n - gap)
        k = i + gap
        m = i[:, None] + np.arange(1, gap)[None, :]
        total = weight[i[:, None], m] + weight[m, k[:, None]] + _cost(corners[i][:, None], corners[m], corners[k][:, None])
        choice = total.argmin(axis=1)
        allowed = ~taken[i, k] | (gap == n - 1)
        weight[i, k] = np.where(allowed, total[np.arange(len(i)), choice], np.inf)
        best[i, k] = m[np.arange(len(i)), choice]
    if not np.isfinite(weight[0, n - 1]):
        return None
    triangles, spans = [], [(0, n - 1)]
    while spans:
        low, high = spans.pop()
        if high - low > 1:
            middle = int(best[low, high])
            triangles.append((low, middle, high))
            spans += [(low, middle), (middle, high)]
    return np.array(triangles, np.int64)


def _cost(a: Floats, b: Floats, c: Floats) -> Floats:
    """Area of triangles, and a little of their squared edges, as flat borders leave the area undecided; much of it if they are flat."""
    area = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=-1)
    squares = ((b - a) ** 2).sum(axis=-1) + ((c - b) ** 2).sum(axis=-1) + ((a - c) ** 2).sum(axis=-1)
    return np.asarray(area + np.where(area < _FLAT * squares, 100.0, 0.01) * squares)
