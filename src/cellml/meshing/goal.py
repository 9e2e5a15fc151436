"""How far a tetrahedron, or a facet of a surface, is from the angles that are wanted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.tetrahedron import TET_EDGES, TET_FACES

Floats = NDArray[np.float64]

# The faces that meet at each edge are those opposite to the two other corners.
_FACES_AT_EDGE = np.array([[k for k in range(4) if k not in edge] for edge in TET_EDGES.tolist()])


@dataclass(frozen=True)
class Goal:
    """Angles in degrees at which a tetrahedron and a facet are good enough."""

    dihedral_deg: float = 12.0
    surface_min_deg: float = 22.0
    surface_max_deg: float = 128.0

    def tets(self, corners: Floats) -> Floats:
        """Smallest dihedral angle, or 180° less the largest, over the wanted one; -1 for inverted or flat tetrahedra.

        corners: (..., 4, 3). Returns (...).
        """
        normals = np.stack([_normal(corners, face) for face in TET_FACES], axis=-2)
        volume = np.einsum("...i,...i->...", corners[..., 3, :] - corners[..., 0, :], -normals[..., 3, :])
        length = np.linalg.norm(normals, axis=-1, keepdims=True)
        unit = normals / np.where(length > 0, length, 1.0)
        cosine = -np.einsum("...ei,...ei->...e", unit[..., _FACES_AT_EDGE[:, 0], :], unit[..., _FACES_AT_EDGE[:, 1], :])
        smallest = np.degrees(np.arccos(np.clip(cosine.max(axis=-1), -1.0, 1.0)))
        largest = np.degrees(np.arccos(np.clip(cosine.min(axis=-1), -1.0, 1.0)))
        worst = np.minimum(smallest, 180.0 - largest) / self.dihedral_deg
        return np.where((volume > 0) & (length[..., 0] > 0).all(axis=-1), worst, -1.0)

    def facets(self, corners: Floats) -> Floats:
        """The angle furthest from its bound, as a share that is 1 at the bound and less beyond it; corners: (..., 3, 3). Returns (...)."""
        angles = []
        for i in range(3):
            u, v = corners[..., (i + 1) % 3, :] - corners[..., i, :], corners[..., (i + 2) % 3, :] - corners[..., i, :]
            sine = np.linalg.norm(np.cross(u, v), axis=-1)
            angles.append(np.degrees(np.arctan2(sine, np.einsum("...i,...i->...", u, v))))
        angle = np.stack(angles, axis=-1)
        return np.minimum(angle.min(axis=-1) / self.surface_min_deg, (180.0 - angle.max(axis=-1)) / (180.0 - self.surface_max_deg))


def _normal(corners: Floats, face: NDArray[np.int64]) -> Floats:
    a, b, c = (corners[..., i, :] for i in face)
    return np.asarray(np.cross(b - a, c - a))
