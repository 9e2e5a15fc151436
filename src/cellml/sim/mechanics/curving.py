"""Projections that put the middles of edges on the true surface."""

from __future__ import annotations

import numpy as np

from cellml.sim.errors import SimulationError
from cellml.sim.mechanics.space import Floats, Projection


def onto_sphere(radius: float, centre: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Projection:
    """The radial projection (K, 3) → (K, 3) onto a sphere; radius and centre (x, y, z) in µm."""
    middle = np.asarray(centre, dtype=float)

    def project(points: Floats) -> Floats:
        offset = points - middle
        return np.asarray(middle + radius * offset / np.linalg.norm(offset, axis=1, keepdims=True))

    return project


def onto_cylinder(radius: float) -> Projection:
    """The radial projection (K, 3) → (K, 3) onto a cylinder around the z axis; radius in µm."""

    def project(points: Floats) -> Floats:
        moved = points.copy()
        moved[:, :2] *= radius / np.linalg.norm(points[:, :2], axis=1, keepdims=True)
        return moved

    return project


def onto_level(distance: Projection, *, step: float, tolerance: float = 1e-9, iterations: int = 30) -> Projection:
    """The projection (K, 3) → (K, 3) onto the zero level of a signed distance, by Newton's iteration x ← x − φ ∇φ / |∇φ|².

    distance: (K, 3) points in µm → (K,) signed distance in µm; step: length in µm of the central differences that give ∇φ (for a sampled
    distance about half a voxel); tolerance: of |φ| in µm. Raises SimulationError if points stay farther away than that.
    """

    def project(points: Floats) -> Floats:
        moved = points.copy()
        for _ in range(iterations):
            value = distance(moved)
            if np.abs(value).max() <= tolerance:
                return moved
            slopes = [(distance(moved + e) - distance(moved - e)) / (2.0 * step) for e in step * np.eye(3)]
            gradient = np.stack(slopes, axis=1)
            moved = moved - (value / np.maximum((gradient**2).sum(axis=1), 1e-30))[:, None] * gradient
        far = float(np.abs(distance(moved)).max())
        if far > tolerance:
            raise SimulationError(
                f"The middles of edges do not reach the surface: after {iterations} iterations one is {far:.3g} µm away "
                f"(tolerance {tolerance:.3g}); the distance may have a kink there, or the tolerance is below its sampling."
            )
        return moved

    return project
