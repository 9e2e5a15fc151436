"""How easily a shape lets molecules through from one end to another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.sim.direct import factorise
from cellml.sim.domain import Domain
from cellml.sim.enrichment import Enrichment
from cellml.sim.errors import SimulationError
from cellml.sim.estimate import Estimate


def shape_factor(domain: Domain, enrichment: Enrichment, source: NDArray[np.int64], sink: NDArray[np.int64]) -> Estimate:
    """S = ∫ |∇u|², with u = 1 on the source, 0 on the sink and ∂ₙu = 0 elsewhere: A/L of the equivalent straight tube.

    D·S is the diffusive conductance (molecules per time and concentration difference), σ·S the electrical one. By the Dirichlet principle
    refinement only lowers S, so that it is approached from above.

    source, sink: (F, 3) node triples. Returns µm; the field is u on P1 elements. Raises SimulationError if the two sets share a node: the
    flux between touching faces is infinite.
    """
    shared = np.intersect1d(source, sink)
    if len(shared):
        raise SimulationError(
            f"The two ends share {len(shared)} points of {domain.mesh.name!r}: the flux between touching faces is infinite."
        )
    free = np.setdiff1d(np.arange(len(domain.nodes)), np.union1d(source, sink))
    u = np.zeros(len(domain.nodes))
    u[source] = 1.0
    solve = factorise(domain.stiffness[free][:, free])
    u[free] = solve(-(domain.stiffness @ u)[free])

    fall = enrichment.energy(enrichment.edge_residual(u), solve, free, np.concatenate([source, sink]))
    linear = float(u @ (domain.stiffness @ u))
    return Estimate.between(linear, linear - fall, u)
