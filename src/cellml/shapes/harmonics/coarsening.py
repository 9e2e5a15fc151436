"""A closed surface of genus 0 taken down to a tetrahedron, one vertex after the other, so that it can be put back on a sphere."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

_GROWTH = 1.5  # of the number of vertices from one level to the next finer


@dataclass(frozen=True, eq=False)
class Level:
    """A mesh on the way: faces (F, 3), numbers of the finest mesh's vertices; masses (V,), the area that each vertex stands for, 0 for
    those taken out; returns: what was taken out to get here from the next finer level, in the order of removal: (vertex, its neighbours,
    counter-clockwise, the first of which took its place).
    """

    faces: Index
    masses: Floats
    returns: tuple[tuple[int, tuple[int, ...]], ...]


def coarsened(faces: Index, masses: Floats) -> list[Level]:
    """Levels from the surface itself down to a tetrahedron; faces: (F, 3), closed, genus 0; masses: (V,), positive.

    The vertex that stands for the least area goes first: it slides into a neighbour with which it has exactly two neighbours in common, so
    that the surface stays a manifold (link condition, Dey et al. 1999); its area is shared out among its neighbours. (After Praun & Hoppe
    2003, section 3, who coarsen by edge collapses to a tetrahedron.)
    """
    ring, mass = _rings(faces), masses.astype(float).copy()
    levels, taken = [Level(faces, masses, ())], []
    alive, limit = len(ring), len(ring) / _GROWTH
    queue = [(mass[v], v) for v in ring]
    heapq.heapify(queue)
    while alive > 4:
        if not queue:
            raise CellmlError(f"A surface of {len(ring)} vertices cannot be coarsened below {alive}; repair it (cellml.surfaces.repair).")
        key, vertex = heapq.heappop(queue)
        if vertex not in ring or key != mass[vertex]:
            continue
        target = _target(ring, vertex)
        if target is None:
            heapq.heappush(queue, (mass[vertex], vertex)) if _stir(mass, vertex) else None
            continue
        around = _removed(ring, vertex, target)
        for other in around:
            mass[other] += mass[vertex] / len(around)
            heapq.heappush(queue, (mass[other], other))
        mass[vertex] = 0.0
        taken.append((vertex, tuple(around)))
        alive -= 1
        if alive <= limit or alive == 4:
            levels.append(Level(_faces(ring), mass.copy(), tuple(taken)))
            taken, limit = [], alive / _GROWTH
    return levels


def _stir(mass: Floats, vertex: int) -> bool:
    """A vertex that cannot go now comes again later, behind vertices of a little more mass."""
    mass[vertex] *= 1.3
    return bool(np.isfinite(mass[vertex]))


def _rings(faces: Index) -> dict[int, list[int]]:
    """Neighbours of each vertex, counter-clockwise."""
    after: dict[int, dict[int, int]] = {}
    for a, b, c in faces.tolist():
        after.setdefault(a, {})[b] = c
        after.setdefault(b, {})[c] = a
        after.setdefault(c, {})[a] = b
    rings = {}
    for vertex, follows in after.items():
        start = next(iter(follows))
        ring = [start]
        while (then := follows[ring[-1]]) != start:
            ring.append(then)
        rings[vertex] = ring
    return rings


def _target(ring: dict[int, list[int]], vertex: int) -> int | None:
    """The neighbour into which a vertex may slide, that with the fewest neighbours of its own."""
    around = ring[vertex]
    inside = set(around)
    allowed = [other for other in around if len(inside.intersection(ring[other])) == 2]
    return min(allowed, key=lambda other: len(ring[other])) if allowed else None


def _removed(ring: dict[int, list[int]], vertex: int, target: int) -> list[int]:
    """Take a vertex out; its hole is filled with a fan about the target. Returns its neighbours, the target first."""
    around = ring.pop(vertex)
    place = around.index(target)
    around = around[place:] + around[:place]
    middle = around[2:-1]
    own = ring[target]
    place = own.index(vertex)
    own[place : place + 1] = middle
    for end in (around[1], around[-1]):
        ring[end].remove(vertex)
    for other in middle:
        ring[other][ring[other].index(vertex)] = target
    return around


def _faces(ring: dict[int, list[int]]) -> Index:
    return np.array(
        [(v, a, b) for v, around in ring.items() for a, b in zip(around, around[1:] + around[:1], strict=True) if v < a and v < b]
    )
