"""A solution in a box that is known in advance: u = cos πx cos πy cos πz, −∇²u + u = f, sealed."""

from __future__ import annotations

import numpy as np

from cellml.sim.analytic import box
from cellml.sim.direct import factorise
from cellml.sim.domain import Domain


def test_linear_elements_converge_with_order_two(observed_order):
    errors, counts = [], (12, 16, 20)
    for n in counts:
        domain = Domain(box((1000.0, 1000.0, 1000.0), (n, n, n)))
        x, y, z = domain.coordinates.T
        exact = np.cos(np.pi * x) * np.cos(np.pi * y) * np.cos(np.pi * z)
        u = factorise(domain.stiffness + domain.mass)(domain.mass @ ((3 * np.pi**2 + 1) * exact))
        errors.append(np.sqrt((u - exact) @ domain.mass @ (u - exact)))
    assert observed_order([1.0 / n for n in counts], errors) >= 1.9
