"""How far a tetrahedron, or a facet of a surface, is from the angles that are wanted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.tetrahedron import TET_EDGES, TET_FACES

Floats = NDArray[np.float64]

# The faces that meet at each edge are those opposite to the two other corners.
_FACES_AT_EDGE = np.array([[k for k in range(4) if k not in edge] for edge in TET_EDGES.tolist()])


_NEXT, _AFTER = np.array([1, 2, 0]), np.array([2, 0, 1])


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
        faces = corners[..., TET_FACES, :]
        normals = cross(faces[..., 1, :] - faces[..., 0, :], faces[..., 2, :] - faces[..., 0, :])
        volume = np.einsum("...i,...i->...", corners[..., 3, :] - corners[..., 0, :], -normals[..., 3, :])
        length = np.sqrt(np.einsum("...i,...i->...", normals, normals))
        unit = normals / np.where(length > 0, length, 1.0)[..., None]
        cosine = -np.einsum("...ei,...ei->...e", unit[..., _FACES_AT_EDGE[:, 0], :], unit[..., _FACES_AT_EDGE[:, 1], :])
        smallest = np.degrees(np.arccos(np.clip(cosine.max(axis=-1), -1.0, 1.0)))
        largest = np.degrees(np.arccos(np.clip(cosine.min(axis=-1), -1.0, 1.0)))
        worst = np.minimum(smallest, 180.0 - largest) / self.dihedral_deg
        return np.where((volume > 0) & (length > 0).all(axis=-1), worst, -1.0)

    def facets(self, corners: Floats) -> Floats:
        """The angle furthest from its bound, as a share that is 1 at the bound and less beyond it; corners: (..., 3, 3). Returns (...)."""
        u, v = corners[..., _NEXT, :] - corners, corners[..., _AFTER, :] - corners
        normal = cross(u, v)
        sine = np.sqrt(np.einsum("...i,...i->...", normal, normal))
        angle = np.degrees(np.arctan2(sine, np.einsum("...i,...i->...", u, v)))
        return np.minimum(angle.min(axis=-1) / self.surface_min_deg, (180.0 - angle.max(axis=-1)) / (180.0 - self.surface_max_deg))


def cross(u: Floats, v: Floats) -> Floats:
    """Cross products u × v, (..., 3), in a third of the time of `numpy.cross` for the few vectors around a vertex."""
    return np.asarray(u[..., _NEXT] * v[..., _AFTER] - u[..., _AFTER] * v[..., _NEXT])
