"""A tetrahedral mesh that can be changed in a few places, with undo.

Stars of vertices come from one sorted table of the whole mesh until they are first changed; so a mesh of 10⁵ tetrahedra with fifty bad ones
costs what the fifty cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.tetrahedron import TET_FACES
from cellml.meshing.topology import Index

Floats = NDArray[np.float64]
Tet = tuple[int, int, int, int]

OUTSIDE = -1  # the region on the other side of an outer facet


class EditableMesh:
    """Points, tetrahedra and regions under local changes.

    points: (P, 3) in nm; tets: (T, 4) positively oriented; regions: (T,). Numbers of tetrahedra stay valid until the tetrahedron is
    removed.
    """

    def __init__(self, points: Floats, tets: Index, regions: NDArray[np.int32]) -> None:
        self.points = [np.array(point) for point in points]
        self._corners = tets.tolist()
        self._regions = regions.tolist()
        self._alive = [True] * len(tets)
        self._order = np.argsort(tets.ravel(), kind="stable") // 4
        self._start = np.searchsorted(np.sort(tets.ravel(), kind="stable"), np.arange(len(points) + 1))
        self._stars: dict[int, set[int]] = {}
        self._undo: list[Callable[[], None]] = []

    def alive(self, tet: int) -> bool:
        """Whether the tetrahedron of that number still exists."""
        return self._alive[tet]

    def corners(self, tet: int) -> list[int]:
        """The four corners of a tetrahedron."""
        corners: list[int] = self._corners[tet]
        return corners

    def region(self, tet: int) -> int:
        """The region of a tetrahedron."""
        return int(self._regions[tet])

    def star(self, vertex: int) -> set[int]:
        """Numbers of the tetrahedra at a vertex; not to be changed by the caller."""
        if vertex not in self._stars:
            first, last = self._start[vertex : vertex + 2]
            self._stars[vertex] = set(self._order[first:last].tolist())
        return self._stars[vertex]

    def around(self, *vertices: int) -> set[int]:
        """Numbers of the tetrahedra that have all these vertices."""
        return set.intersection(*(self.star(vertex) for vertex in vertices))

    def neighbours(self, vertex: int) -> set[int]:
        """Vertices joined to a vertex by an edge."""
        return {corner for tet in self.star(vertex) for corner in self._corners[tet]} - {vertex}

    def sides(self, face: Iterable[int]) -> list[int]:
        """Regions on the sides of a facet; OUTSIDE for a missing side."""
        regions = [self.region(tet) for tet in self.around(*face)]
        return regions if len(regions) == 2 else [*regions, OUTSIDE]

    def on_surface(self, face: Iterable[int]) -> bool:
        """Whether a facet separates two regions, or a region from the outside."""
        one, other = self.sides(face)
        return one != other

    def surface_faces(self, vertex: int) -> list[tuple[int, int, int]]:
        """The facets at a vertex that lie on a surface, outward from one of their sides, each once."""
        found: dict[tuple[int, ...], tuple[tuple[int, int, int], int]] = {}
        for tet in self.star(vertex):
            corners, region = self._corners[tet], self._regions[tet]
            for a, b, c in TET_FACES:
                face = (corners[a], corners[b], corners[c])
                if vertex not in face:
                    continue
                key = tuple(sorted(face))
                if key not in found:
                    found[key] = (face, region)
                elif found[key][1] == region:
                    del found[key]
        return [face for face, _ in found.values()]

    def move(self, vertex: int, point: Floats) -> None:
        """Put a vertex somewhere else."""
        before = self.points[vertex]
        self.points[vertex] = point
        self._undo.append(lambda: self.points.__setitem__(vertex, before))

    def new_vertex(self, point: Floats) -> int:
        """Number of a new vertex without tetrahedra."""
        vertex = len(self.points)
        self.points.append(point)
        self._stars[vertex] = set()
        self._undo.append(self._forget_last_vertex)
        return vertex

    def add(self, corners: Tet, region: int) -> int:
        """Number of a new tetrahedron."""
        tet = len(self._corners)
        self._corners.append(list(corners))
        self._regions.append(region)
        self._alive.append(True)
        for corner in corners:
            self.star(corner).add(tet)
        self._undo.append(self._forget_last_tet)
        return tet

    def remove(self, tet: int) -> None:
        """Take a tetrahedron away."""
        self._set_alive(tet, False)
        self._undo.append(lambda: self._set_alive(tet, True))

    def mark(self) -> int:
        """A place in the history to which `back_to` returns."""
        return len(self._undo)

    def back_to(self, mark: int) -> None:
        """Undo everything since a mark."""
        while len(self._undo) > mark:
            self._undo.pop()()

    def living(self) -> NDArray[np.bool_]:
        """Which numbers belong to tetrahedra that exist, in the order of `arrays`."""
        return np.array(self._alive)

    def arrays(self) -> tuple[Floats, Index, NDArray[np.int32]]:
        """Points (P, 3), among them such as no tetrahedron uses, tets (T, 4) and regions (T,)."""
        alive = np.array(self._alive)
        tets = np.array(self._corners, np.int64).reshape(-1, 4)[alive]
        return np.array(self.points), tets, np.array(self._regions, np.int32)[alive]

    def _set_alive(self, tet: int, alive: bool) -> None:
        self._alive[tet] = alive
        for corner in self._corners[tet]:
            star = self.star(corner)
            if alive:
                star.add(tet)
            else:
                star.discard(tet)

    def _forget_last_vertex(self) -> None:
        vertex = len(self.points) - 1
        self.points.pop()
        del self._stars[vertex]

    def _forget_last_tet(self) -> None:
        tet = len(self._corners) - 1
        for corner in self._corners[tet]:
            self.star(corner).discard(tet)
        self._corners.pop()
        self._regions.pop()
        self._alive.pop()
