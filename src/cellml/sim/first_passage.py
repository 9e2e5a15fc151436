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

    −D ∇²t = 1, t = 0 on the target, ∂ₙt = 0 elsewhere (Redner, A Guide to First-Passage Processes, 2001, eq. 1.6.3). On P1 elements the
    mean is approached from below.

    target: (F, 3) node triples; D in µm²/s. Returns seconds; the field is t at the nodes.
    """
    free = np.setdiff1d(np.arange(len(domain.nodes)), target)
    load = domain.mass @ np.ones(len(domain.nodes))
    solve = factorise(domain.stiffness[free][:, free])
    t = np.zeros(len(domain.nodes))
    t[free] = solve(load[free])

    residual = enrichment.edge_residual(t, density=np.ones_like(t))
    growth = enrichment.energy(residual, solve, free, target)
    return Estimate(float(load @ t) / (domain.volume * D), growth / (domain.volume * D), t / D)
