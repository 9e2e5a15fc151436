"""Inside and outside of a triangle surface by the generalised winding number.

w(p) = Σ Ω_f(p) / 4π, the solid angle of all faces seen from p (Jacobson et al. 2013): 1 inside and 0 outside of a closed surface, the depth
where surfaces overlap, and a smooth blend of the two near a hole. Summed over a tree of faces (Barill et al. 2018) in libigl.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.topology import Index

Floats = NDArray[np.float64]


def winding_number(vertices: Floats, faces: Index, points: Floats) -> Floats:
    """Winding number of a surface at points, (P,), to about 0.002; vertices: (V, 3); faces: (F, 3); points: (P, 3), all in one frame."""
    import igl

    if len(points) == 0 or len(faces) == 0:
        return np.zeros(len(points))
    centre, scale = _frame(vertices[faces.ravel()])
    return np.asarray(igl.fast_winding_number((vertices - centre) / scale, faces, (points - centre) / scale))


def closest_points(vertices: Floats, faces: Index, points: Floats) -> tuple[Floats, Index, Floats]:
    """Distance to a surface, number of the nearest face and the nearest point on it: (P,), (P,), (P, 3), in the frame of the vertices."""
    import igl

    centre, scale = _frame(vertices[faces.ravel()])
    square, face, nearest = igl.point_mesh_squared_distance((points - centre) / scale, (vertices - centre) / scale, faces)
    return np.sqrt(square) * scale, np.asarray(face, np.int64), nearest * scale + centre


def _frame(corners: Floats) -> tuple[Floats, float]:
    """Centre and size of a box, so that coordinates of a millionth of a metre far from zero lose no digits."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    return (low + high) / 2, float((high - low).max()) or 1.0
