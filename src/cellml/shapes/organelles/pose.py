"""Organelles as they are proposed: turned, sized and put somewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.shapes.organelles.outlines import centroid
from cellml.types import Surface

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Body:
    """An organelle about its own centroid.

    vertices: (P, 3) in nm; faces: (F, 3); volume: nm³; ball: radius in nm of the largest ball about the centroid that lies in it, 0 where
    the centroid is outside; reach: distance of the farthest vertex.
    """

    kind: str
    vertices: Floats
    faces: NDArray[np.int64]
    volume: float
    ball: float
    reach: float

    def scaled(self, factor: float) -> Body:
        """The body with lengths times `factor`."""
        return Body(self.kind, self.vertices * factor, self.faces, self.volume * factor**3, self.ball * factor, self.reach * factor)

    def at(self, rotation: Floats, centre: Floats, name: str) -> Surface:
        """The surface, turned by (3, 3) and moved to a centre (3,)."""
        return Surface(self.vertices @ rotation.T + centre, self.faces, name)


def body_of(surface: Surface, volume: float, kind: str) -> Body:
    """A surface as a body of a volume in nm³."""
    from cellml.surfaces.winding import closest_points, winding_number

    centre = centroid(surface)
    factor = float(np.cbrt(volume / surface.volume()))
    vertices = (surface.vertices - centre) * factor
    middle = np.zeros((1, 3))
    inside = float(winding_number(vertices, surface.faces, middle)[0]) > 0.5
    ball = float(closest_points(vertices, surface.faces, middle)[0][0]) if inside else 0.0
    return Body(kind, vertices, surface.faces, volume, ball, float(np.linalg.norm(vertices, axis=1).max()))


def random_rotations(count: int, rng: np.random.Generator) -> Floats:
    """Uniform rotations, (count, 3, 3), from uniform unit quaternions (Shoemake 1992)."""
    w, x, y, z = (q := rng.normal(size=(4, count))) / np.linalg.norm(q, axis=0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)
