"""Fewer triangles for pictures, where a browser must turn them: never for computing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cellml.types import Surface


def decimate(surface: Surface, triangles: int) -> Surface:
    """The surface with at most about `triangles` triangles, by quadric edge collapse (Garland & Heckbert 1997).

    A surface that is small enough, or that cannot be reduced, is returned with unused vertices dropped.
    """
    if len(surface.faces) > triangles:
        from fast_simplification import simplify

        points, faces = simplify(
            np.ascontiguousarray(surface.vertices, dtype=np.float64),
            np.ascontiguousarray(surface.faces, dtype=np.int64),
            target_count=triangles,
        )
        surface = Surface(points, faces, surface.name)
    used, inverse = np.unique(surface.faces, return_inverse=True)
    return Surface(surface.vertices[used], inverse.reshape(-1, 3), surface.name)


def decimate_together(surfaces: Sequence[Surface], triangles: int) -> list[Surface]:
    """Surfaces that have at most about `triangles` triangles in sum, each reduced by the same factor (but none below 200)."""
    total = sum(len(s.faces) for s in surfaces)
    share = min(1.0, triangles / max(total, 1))
    return [decimate(s, max(200, int(len(s.faces) * share))) for s in surfaces]
