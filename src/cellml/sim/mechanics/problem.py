"""A body with its material, its supports and its loads, ready to be solved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cellml.sim.mechanics.conditions import Displacement, Load, Supports, nodal_load, supports
from cellml.sim.mechanics.material import Materials, lame_by_tet
from cellml.sim.mechanics.space import Floats, Projection, Space
from cellml.types import TetMesh


@dataclass(frozen=True, eq=False)
class Problem:
    """lam, mu: λ and μ at the quadrature points, (T, Q) in Pa; held: the supports; force: (3N,) nodal loads in pN; loads: their sum (3,) by
    name of the facet set.
    """

    space: Space
    lam: Floats
    mu: Floats
    held: Supports
    force: Floats
    loads: Mapping[str, Floats]


def pose(
    mesh: TetMesh,
    materials: Materials,
    displacements: Sequence[Displacement],
    loads: Sequence[Load],
    order: int,
    curved: Mapping[str, Projection] | None,
) -> Problem:
    """Gather what a solution needs. Raises SimulationError for bad materials, conditions and elements.

    The quadrature is exact for Hooke's law on straight tetrahedra, degree 2(order − 1), and has degree 2·order on curved ones.
    """
    space = Space(mesh, order, curved or {}, degree=2 * order if curved else 2 * (order - 1))
    lam, mu = (np.broadcast_to(v[:, None], space.weights.shape) for v in lame_by_tet(mesh, materials))
    sums = {load.on: np.zeros(3) for load in loads}
    force = np.zeros((space.size, 3))
    for load in loads:
        nodal = nodal_load(space, load)
        sums[load.on] = sums[load.on] + nodal.sum(axis=0)
        force += nodal
    return Problem(space, lam, mu, supports(space, displacements), force.ravel(), sums)
