"""Exact distances from points to a set of triangles or rectangles.

A tree of sample points finds candidates, the closed formula for the piece decides. With every point of a piece within `reach` of one of
its samples, the closest piece has a sample no further than d + reach, so that the search is complete once the samples looked at go
beyond that: no distance is approximate.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cellml.meshing.label_boundary import Rectangles

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

_MOST = 1_000_000  # candidates at a time, so that memory does not grow with the surfaces, nor with the distance between them


class Pieces(Protocol):
    """A set of convex pieces in space with sample points on them.

    first_look: samples examined for every point, four times as many for those that stay undecided, and so on; samples: (S, 3); owner: (S,),
    the piece of each; reach: (S,), such that every point of a piece lies within the reach of one of its samples.
    """

    first_look: int
    samples: Floats
    owner: Index
    reach: Floats

    def distances(self, points: Floats, pieces: Index) -> Floats:
        """Distance of each point (N, 3) to the piece of the same row, (N,)."""
        ...


class RectanglePieces:
    """Rectangles, sampled at their centres."""

    first_look = 8

    def __init__(self, rectangles: Rectangles) -> None:
        self.samples, self._halves = rectangles.centres, rectangles.halves
        self.owner = np.arange(len(rectangles))
        self.reach = np.linalg.norm(self._halves, axis=1)

    def distances(self, points: Floats, pieces: Index) -> Floats:
        """Distance of each point (N, 3) to the rectangle of the same row, (N,)."""
        beyond = np.maximum(np.abs(points - self.samples[pieces]) - self._halves[pieces], 0.0)
        return np.asarray(np.sqrt(np.einsum("ij,ij->i", beyond, beyond)))


class TrianglePieces:
    """Triangles, sampled at the centroids of sub-triangles."""

    first_look = 16

    def __init__(self, corners: Floats, samples: Floats, owner: Index, reach: Floats) -> None:
        """corners: (F, 3, 3); samples, owner, reach: as in `Pieces` (see `cellml.meshing.surface_samples`)."""
        self.samples, self.owner, self.reach = samples, owner, reach
        # Corner 0 starts the longest edge, so that a triangle of no area is that edge.
        edges = np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=2)
        turned = corners[np.arange(len(corners))[:, None], (edges.argmax(axis=1)[:, None] + np.arange(3)) % 3]
        self._origin = turned[:, 0]
        along, aside = turned[:, 1] - turned[:, 0], turned[:, 2] - turned[:, 0]
        self._x, self._y, self._z = _frames(along, aside)
        self._base = np.einsum("ij,ij->i", along, self._x)
        self._apex_x = np.einsum("ij,ij->i", aside, self._x)
        self._apex_y = np.einsum("ij,ij->i", aside, self._y)

    def distances(self, points: Floats, pieces: Index) -> Floats:
        """Distance of each point (N, 3) to the triangle of the same row, (N,).

        In the frame of the triangle, with corners (0, 0), (b, 0), (p, q): d² = z² + d²((x, y), triangle).
        """
        offset = points - self._origin[pieces]
        x, y, z = (np.einsum("ij,ij->i", offset, axis[pieces]) for axis in (self._x, self._y, self._z))
        b, p, q = self._base[pieces], self._apex_x[pieces], self._apex_y[pieces]
        inside = (q > 0) & (y >= 0) & ((p - b) * y >= q * (x - b)) & (q * x >= p * y)
        flat = np.minimum(_to_segment(x, y, b, 0.0), np.minimum(_to_segment(x, y, p, q), _to_segment(x - b, y, p - b, q)))
        return np.asarray(np.sqrt(np.where(inside, 0.0, flat) + z * z))


def closest(pieces: Pieces, points: Floats, tree: cKDTree | None = None) -> tuple[Floats, Index]:
    """Distance (N,) of points (N, 3) to the nearest piece, and which piece that is (N,); tree: of `pieces.samples`, if there is one."""
    tree = cKDTree(pieces.samples) if tree is None else tree
    best, which = np.full(len(points), np.inf), np.zeros(len(points), np.int64)
    todo, look, longest = np.arange(len(points)), min(pieces.first_look, tree.n), float(pieces.reach.max())
    while len(todo):
        batch = max(_MOST // look, 1)
        complete = np.zeros(len(todo), bool)
        for start in range(0, len(todo), batch):
            part = slice(start, start + batch)
            best[todo[part]], which[todo[part]], furthest = _nearest_of(pieces, tree, points[todo[part]], look)
            complete[part] = (furthest >= best[todo[part]] + longest) | (look == tree.n)
        todo, look = todo[~complete], min(4 * look, tree.n)
    return best, which


def _nearest_of(pieces: Pieces, tree: cKDTree, points: Floats, look: int) -> tuple[Floats, Index, Floats]:
    """Distance to the nearest piece of those that own the `look` nearest samples, that piece, and the distance of the last sample."""
    away, sample = (part.reshape(len(points), look) for part in tree.query(points, k=look))
    owner = pieces.owner[sample]
    distance = np.full(away.shape, np.inf)
    distance[:, 0] = pieces.distances(points, owner[:, 0])
    # A piece can be nearer than that of the first sample only if one of its samples is within the reach of doing so.
    row, column = np.nonzero((away - pieces.reach[sample] < distance[:, :1]) & (owner != owner[:, :1]))
    distance[row, column] = pieces.distances(points[row], owner[row, column])
    nearest, rows = distance.argmin(axis=1), np.arange(len(points))
    return distance[rows, nearest], owner[rows, nearest], away[:, -1]


def _to_segment(x: Floats, y: Floats, dx: Floats, dy: Floats | float) -> Floats:
    """Squared distance in the plane of (x, y) to the segment from (0, 0) to (dx, dy)."""
    length = dx * dx + dy * dy
    t = np.clip((x * dx + y * dy) / np.where(length > 0, length, 1.0), 0.0, 1.0)
    return np.asarray((x - t * dx) ** 2 + (y - t * dy) ** 2)


def _frames(along: Floats, aside: Floats) -> tuple[Floats, Floats, Floats]:
    """Unit axes x along the first vector, z normal to both, y = z × x; any normal where the vectors are parallel."""
    x = _unit(along, np.array([1.0, 0.0, 0.0]))
    normal = np.cross(x, aside)
    # The axis most across x gives a normal where the triangle has none.
    other = np.cross(x, np.eye(3)[np.abs(x).argmin(axis=1)])
    flat = np.linalg.norm(normal, axis=1) <= 1e-12 * np.linalg.norm(along, axis=1)
    z = _unit(np.where(flat[:, None], other, normal), np.array([0.0, 0.0, 1.0]))
    return x, np.cross(z, x), z


def _unit(vectors: Floats, otherwise: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(length > 0, vectors / np.where(length > 0, length, 1.0), otherwise)
