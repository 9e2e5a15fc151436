"""How good the elements around the vertices of a tetrahedral mesh are, and where a vertex would make them best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.editable import EditableMesh
from cellml.meshing.goal import Goal
from cellml.meshing.tetrahedron import TET_FACES

Floats = NDArray[np.float64]

GAIN = 1e-3  # by which the worst score must rise


def _directions() -> Floats:
    """26 unit vectors towards the corners, edges and faces of a cube, (26, 3)."""
    grid = np.stack(np.meshgrid(*[(-1.0, 0.0, 1.0)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    grid = grid[np.abs(grid).sum(axis=1) > 0]
    return np.asarray(grid / np.linalg.norm(grid, axis=1, keepdims=True))


_DIRECTIONS = _directions()


class Neighbourhood:
    """Scores and smoothing around the vertices of a mesh.

    mesh: what is changed; goal: angles wanted; planes: (column, coordinate) of walls; reach_nm: how far surface points may move.
    """

    def __init__(self, mesh: EditableMesh, goal: Goal, planes: Sequence[tuple[int, float]], reach_nm: float) -> None:
        self.mesh, self.goal, self.reach_nm = mesh, goal, reach_nm
        self._planes = list(planes)
        self._home: dict[int, Floats] = {}

    def score(self, tets: Sequence[int]) -> float:
        """Worst score of tetrahedra and of their facets on surfaces; at least 1 where all reach the goal."""
        if not tets:
            return np.inf
        worst = float(self.goal.tets(self._positions(tets)).min())
        faces = [face for tet in tets for face in self._faces(tet) if self.mesh.on_surface(face)]
        if faces:
            worst = min(worst, float(self.goal.facets(np.array([[self.mesh.points[v] for v in face] for face in faces])).min()))
        return worst

    def score_of(self, tet: int) -> float:
        """Score of one tetrahedron with its facets."""
        return self.score([tet])

    def smooth(self, vertex: int) -> bool:
        """Move a vertex by pattern search to where the worst element around it is best; returns whether it moved."""
        mesh = self.mesh
        star = sorted(mesh.star(vertex))
        if not star:
            return False
        corners = np.array([mesh.corners(tet) for tet in star])
        surface = np.array(mesh.surface_faces(vertex)).reshape(-1, 3)
        fixed = self._fixed(vertex)
        fixed_positions = self._positions(star)
        faces = np.array([[mesh.points[v] for v in face] for face in surface]).reshape(-1, 3, 3)
        of_tets, of_faces = corners == vertex, surface == vertex

        def scores(candidates: Floats) -> Floats:
            shape = (len(candidates), *fixed_positions.shape)
            tets = np.broadcast_to(fixed_positions, shape).copy()
            tets[:, of_tets] = candidates[:, None]
            worst = self.goal.tets(tets).min(axis=1)
            if len(faces):
                triangles = np.broadcast_to(faces, (len(candidates), *faces.shape)).copy()
                triangles[:, of_faces] = candidates[:, None]
                worst = np.minimum(worst, self.goal.facets(triangles).min(axis=1))
            return np.asarray(worst)

        start = mesh.points[vertex]
        home = self._home.get(vertex, start)
        best, best_score = start, float(scores(start[None])[0])
        first = best_score
        step = 0.25 * float(np.linalg.norm(fixed_positions - start, axis=-1).max())
        if len(surface):
            step = min(step, 0.7 * self.reach_nm)
        directions = np.where(fixed, 0.0, _DIRECTIONS)
        for _ in range(14):
            candidates = best + step * directions
            if len(surface):
                candidates = candidates[np.linalg.norm(candidates - home, axis=1) <= self.reach_nm]
            values = scores(candidates) if len(candidates) else np.array([-np.inf])
            if values.max() > best_score:
                best, best_score = candidates[values.argmax()], float(values.max())
                if best_score >= 1.05:
                    break
            else:
                step *= 0.5
        if best_score < first + GAIN:
            return False
        self._home.setdefault(vertex, home)
        mesh.move(vertex, best)
        return True

    def better(self, mark: int, before: float, tets: Sequence[int]) -> bool:
        """Keep a change if the score of the tetrahedra that it made beats `before`, else undo it."""
        if self.score(tets) > before + GAIN:
            return True
        self.mesh.back_to(mark)
        return False

    def on_wall(self, vertex: int) -> bool:
        """Whether a vertex lies on a wall exactly."""
        return bool(self._fixed(vertex).any())

    def _fixed(self, vertex: int) -> NDArray[np.bool_]:
        point, fixed = self.mesh.points[vertex], np.zeros(3, bool)
        for column, value in self._planes:
            fixed[column] |= point[column] == value
        return fixed

    def _positions(self, tets: Sequence[int]) -> Floats:
        return np.array([[self.mesh.points[v] for v in self.mesh.corners(tet)] for tet in tets])

    def _faces(self, tet: int) -> list[tuple[int, int, int]]:
        corners = self.mesh.corners(tet)
        return [(corners[a], corners[b], corners[c]) for a, b, c in TET_FACES]
