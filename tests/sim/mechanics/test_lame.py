from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.mechanics.cases import lame_displacement, lame_rows, lame_solution
from cellml.sim.mechanics.material import Elastic


def test_the_closed_form_satisfies_navier_and_the_pressures():
    material = Elastic(1000.0, 0.3)
    lam, mu = material.lame
    settings = {"inner": 1.0, "outer": 2.0, "p_inner": 100.0, "p_outer": 20.0}
    h = 1e-4

    def u(r):
        return lame_displacement(np.array([r, 0.0, 0.0]), material, **settings)[0]

    def radial_stress(r):
        return (lam + 2 * mu) * (u(r + h) - u(r - h)) / (2 * h) + 2 * lam * u(r) / r

    assert radial_stress(1.0) == pytest.approx(-100.0, rel=1e-6)
    assert radial_stress(2.0) == pytest.approx(-20.0, rel=1e-6)
    r = 1.5
    curvature = (u(r + h) - 2 * u(r) + u(r - h)) / h**2 + (u(r + h) - u(r - h)) / (h * r) - 2 * u(r) / r**2
    assert curvature == pytest.approx(0.0, abs=1e-5)


def order(rows):
    return float(np.polyfit(np.log([r.h for r in rows]), np.log([r.error for r in rows]), 1)[0])


def test_orders_of_displacement():
    assert order(lame_rows(0.3, (12, 16), order=1)) >= 1.9
    assert order(lame_rows(0.3, (4, 6, 8), order=2, isoparametric=True)) >= 2.8
    straight = order(lame_rows(0.3, (4, 6, 8), order=2))
    assert 1.9 < straight < 2.3


def test_near_incompressible_material_locks_order_1_only():
    first, second = lame_rows(0.499, (4, 8), order=2, isoparametric=True)
    locked = lame_rows(0.499, (8, 16), order=1)
    assert second.error <= 0.01
    assert order(locked) < 0.5 and locked[-1].error > 0.3 > first.error


def test_stress_of_the_hollow_sphere():
    """σ_rr and σ_θθ of tetrahedra against Lamé's stresses at their centres, to the first order of constant stresses."""
    material = Elastic(1000.0, 0.3)
    solution = lame_solution(8, material, order=2, isoparametric=True)
    space = solution.space
    centre = np.einsum("tq,tqi->ti", space.weights, space.points) / space.weights.sum(axis=1)[:, None]
    r = np.linalg.norm(centre, axis=1)
    radial = np.einsum("ti,tij,tj->t", centre, solution.stress, centre) / r**2
    exact = 100.0 / 7.0 * (1.0 - 8.0 / r**3)
    hoop = (np.trace(solution.stress, axis1=1, axis2=2) - radial) / 2.0
    assert np.abs(radial - exact).max() < 6.0
    assert np.abs(hoop - 100.0 / 7.0 * (1.0 + 4.0 / r**3)).max() < 4.0


@pytest.mark.slow
def test_orders_of_displacement_on_fine_meshes():
    assert order(lame_rows(0.3, (12, 16, 24, 32), order=1)) >= 1.9
    assert order(lame_rows(0.3, (4, 8, 12, 16), order=2, isoparametric=True)) >= 2.8
    rows = lame_rows(0.499, (4, 8, 12, 16), order=2, isoparametric=True)
    assert rows[1].error <= 0.01
