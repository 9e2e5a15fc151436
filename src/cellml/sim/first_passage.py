"""How long a molecule takes to reach a place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.sim.direct import factorise
from cellml.sim.domain import Domain
from cellml.sim.enrichment import Enrichment
from cellml.sim.estimate import Estimate


def first_passage_time(domain: Domain, enrichment: Enrichment, D: float, target: NDArray[np.int64]) -> Estimate:
    """Mean first-passage time to an absorbing set of facets, averaged over a uniform start in the volume.

    −D ∇²t = 1, t = 0 on the target, ∂ₙt = 0 elsewhere (Redner, A Guide to First-Passage Processes, 2001, eq. 1.6.3). Refinement only
    raises the mean, so that it is approached from below.

    target: (F, 3) node triples; D in µm²/s. Returns seconds; the field is t at the nodes on P1 elements.
    """
    free = np.setdiff1d(np.arange(len(domain.nodes)), target)
    load = domain.mass @ np.ones(len(domain.nodes))
    solve = factorise(domain.stiffness[free][:, free])
    t = np.zeros(len(domain.nodes))
    t[free] = solve(load[free])

    residual = enrichment.edge_residual(t, density=np.ones_like(t))
    growth = enrichment.energy(residual, solve, free, target)
    per_volume = 1.0 / (domain.volume * D)
    linear = float(load @ t)
    return Estimate.between(linear * per_volume, (linear + growth) * per_volume, t / D)
