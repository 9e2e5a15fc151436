"""Distances between finite-element and exact solutions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cellml.sim.mechanics.cases import relative_error
from cellml.sim.mechanics.space import Space
from cellml.types import TetMesh

Floats = NDArray[np.float64]


def l2_error(mesh: TetMesh, nodal: Floats, exact: Callable[[Floats], Floats]) -> float:
    """‖u_h − u‖ / ‖u‖ over the polyhedron, by a quadrature of degree 6: never at the nodes alone, where P1 may be better than it is.

    nodal: (N,) of a P1 function; exact: points (…, 3) in µm ↦ values (…).
    """
    space = Space(mesh, 1, degree=6)
    return relative_error(space, nodal, exact(space.points))
