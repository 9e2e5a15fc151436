"""Straight paths through cells: over faces into the next cell, and back from walls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.sim.particles.cells import Cells, Floats, Index

Bools = NDArray[np.bool_]
# (numbers of paths, their cells, their faces) at walls → which of them end there.
AtWall = Callable[[Index, Index, Index], Bools]

# Round-off can trap a path that hits an edge or a corner between cells without any progress; after so many crossings it is set free.
_NO_PROGRESS = 50
_NUDGE = 1e-7  # of the way to the centroid of the cell
_MOST_CROSSINGS = 100_000


@dataclass(frozen=True, eq=False)
class Traced:
    """Where N paths ended.

    x: (N, 3) in µm; cell: (N,); rest: (N, 3), what was left of the displacement where a wall took the path; face: (N,), the face of the
    cell at which it was taken, −1 if it went to its end; relocated: how many were set free from an edge or a corner.
    """

    x: Floats
    cell: Index
    rest: Floats
    face: Index
    relocated: int


def trace(cells: Cells, x: Floats, cell: Index, step: Floats, passes: Bools, at_wall: AtWall | None = None) -> Traced:
    """Follow displacements (N, 3) from points (N, 3) in cells (N,), all at once, from face to face.

    With p the point and v what is left of the displacement, the next face is that of the least (o_i − n_i·p)/(n_i·v) over n_i·v > 0. Where
    `passes` (C, F) holds the path goes on in the next cell (on surfaces v turns with the triangle about the shared edge, which unfolds
    it); elsewhere at_wall may end it, and otherwise it is reflected: v − 2 (v·n) n.

    A path always belongs to a cell whose planes contain its point to round-off, so that none can leave the cells.
    """
    ended = Traced(x.copy(), cell.copy(), np.zeros_like(x), np.full(len(x), -1, np.int64), 0)
    number, paths, relocated = np.arange(len(x)), Paths.of(x, cell, step), 0
    for _ in range(_MOST_CROSSINGS):
        if len(number) == 0:
            break
        met = cross(cells, paths, passes, _numbered(at_wall, number))
        relocated += met.relocated
        _write(ended, number, paths, met)
        going = ~(met.arrived | met.taken)
        number, paths = number[going], paths.some(going)
    ended.x[number], ended.cell[number] = paths.p, paths.c  # the rest of these paths is dropped
    return Traced(ended.x, ended.cell, ended.rest, ended.face, relocated + len(number))


def _numbered(at_wall: AtWall | None, number: Index) -> AtWall | None:
    """The same for paths that carry numbers (N,)."""
    return None if at_wall is None else lambda at, c, f: at_wall(number[at], c, f)


@dataclass(eq=False)
class Paths:
    """N paths: points p (N, 3), what is left of displacements v (N, 3), cells c (N,), crossings without progress idle (N,)."""

    p: Floats
    v: Floats
    c: Index
    idle: Index

    @classmethod
    def of(cls, x: Floats, cell: Index, step: Floats) -> Paths:
        """Paths at their beginning."""
        return cls(x.copy(), step.copy(), cell.copy(), np.zeros(len(x), np.int64))

    def some(self, which: Bools) -> Paths:
        """Some of the paths."""
        return Paths(self.p[which], self.v[which], self.c[which], self.idle[which])


@dataclass(frozen=True, eq=False)
class Crossing:
    """What became of N paths: arrived at their ends, taken by a wall, at which face of their cell; relocated: see `trace`."""

    arrived: Bools
    taken: Bools
    face: Index
    relocated: int


def cross(cells: Cells, paths: Paths, passes: Bools, at_wall: AtWall | None = None) -> Crossing:
    """Move each path to its end or through the next face, in place; see `trace`."""
    share, face = _next_face(cells, paths.p, paths.v, paths.c)
    paths.p += np.minimum(share, 1.0)[:, None] * paths.v
    arrived = share >= 1.0
    paths.v *= np.maximum(1.0 - share, 0.0)[:, None]
    passing = ~arrived & passes[paths.c, face]
    taken = _meet_walls(cells, paths, face, ~(arrived | passing), at_wall)
    _pass(cells, paths.v, paths.c, face, passing)
    paths.idle = np.where(share > 0, 0, paths.idle + 1)
    stuck = np.flatnonzero(paths.idle > _NO_PROGRESS)
    paths.p[stuck] += _NUDGE * (cells.centres[paths.c[stuck]] - paths.p[stuck])
    paths.idle[stuck] = 0
    return Crossing(arrived, taken, face, len(stuck))


def _next_face(cells: Cells, p: Floats, v: Floats, c: Index) -> tuple[Floats, Index]:
    """The fraction of v at which the cell is left, and through which face."""
    normals = cells.normals[c]
    speed = np.matmul(normals, v[:, :, None])[:, :, 0]
    gap = np.maximum(cells.offsets[c] - np.matmul(normals, p[:, :, None])[:, :, 0], 0.0)
    share = np.divide(gap, speed, out=np.full_like(gap, np.inf), where=speed > 0)
    face = share.argmin(axis=1)
    return share[np.arange(len(c)), face], face


def _meet_walls(cells: Cells, paths: Paths, face: Index, wall: Bools, at_wall: AtWall | None) -> Bools:
    """Reflect v in place at walls, except for the paths that end there, which are returned."""
    taken = np.zeros(len(face), bool)
    hit = np.flatnonzero(wall)
    if len(hit) == 0:
        return taken
    if at_wall is not None:
        taken[hit] = at_wall(hit, paths.c[hit], face[hit])
        hit = hit[~taken[hit]]
    normal = cells.normals[paths.c[hit], face[hit]]
    paths.v[hit] -= 2.0 * np.einsum("nk,nk->n", paths.v[hit], normal)[:, None] * normal
    return taken


def _write(ended: Traced, number: Index, paths: Paths, met: Crossing) -> None:
    for which in (met.arrived, met.taken):
        ended.x[number[which]], ended.cell[number[which]] = paths.p[which], paths.c[which]
    ended.rest[number[met.taken]], ended.face[number[met.taken]] = paths.v[met.taken], met.face[met.taken]


def _pass(cells: Cells, v: Floats, c: Index, face: Index, passing: Bools) -> None:
    """Enter the next cells, in place."""
    at = np.flatnonzero(passing)
    old, through = c[at], face[at]
    c[at] = cells.neighbours[old, through]
    if cells.flat:
        out = cells.normals[old, through]
        across = np.einsum("nk,nk->n", v[at], out)[:, None]
        v[at] += across * (-cells.normals[c[at], cells.entries[old, through]] - out)
