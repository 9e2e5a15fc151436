from __future__ import annotations

import numpy as np

from cellml.sim.analytic import ball
from cellml.sim.direct import factorise
from cellml.sim.domain import Domain


def test_a_factor_solves_the_system_it_was_made_from():
    domain = Domain(ball(1000.0, 2))
    A = domain.stiffness + domain.mass
    x = np.random.default_rng(0).standard_normal(A.shape[0])
    assert np.abs(factorise(A)(A @ x) - x).max() < 1e-12
