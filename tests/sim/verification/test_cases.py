"""The reference cases at sizes that take a second; `experiments/verification/` runs them in earnest."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.verification.balls import icosahedral_ball
from cellml.sim.verification.bulk_surface import DEGREES, EXACT, coupled_rows, decay_equation, surface_rows
from cellml.sim.verification.convergence import Row, order
from cellml.sim.verification.crank import crank_deviations, emptying
from cellml.sim.verification.manufactured import space_time_rows
from cellml.sim.verification.sphere import sphere_concentration


def test_balls_have_their_tetrahedra_and_approach_their_volume():
    exact = 4 / 3 * np.pi * 1e9
    for n in (1, 3):
        mesh = icosahedral_ball(1000.0, n)
        assert len(mesh.tets) == 20 * n**3
        assert (mesh.volumes() > 0).all()
        assert np.linalg.norm(mesh.points[np.unique(mesh.facets)], axis=1) == pytest.approx(1000.0)
        assert len(mesh.facets) == 20 * n**2
        assert icosahedral_ball(1000.0, n, equal_volume=True).volumes().sum() == pytest.approx(exact, rel=1e-12)
    missing = [1 - icosahedral_ball(1000.0, n).volumes().sum() / exact for n in (4, 8)]
    assert np.log2(missing[0] / missing[1]) > 1.9


def test_order_is_the_slope_of_the_logarithms():
    rows = [Row(h, 3.0 * h**1.7, 1, 1, 1, 0.0) for h in (0.4, 0.2, 0.1)]
    assert order(rows) == pytest.approx(1.7)
    assert order([Row(1.0, 1.0, 1, 1, 1, 0.0), *rows[1:]], last=2) == pytest.approx(1.7)


def test_the_membrane_kinase_meets_its_equations():
    values = {"D_u": 10.0, "k_p": 7.0, "k_kin": 50.0, "c_t": 1.3, "R": 1.2}
    r, h = np.array([0.3, 0.7, 1.1]), 1e-4

    def u(r):
        return sphere_concentration(r[..., None] * np.array([0.6, 0.0, 0.8]), values)

    laplacian = (u(r + h) * (r + h) - 2 * u(r) * r + u(r - h) * (r - h)) / h**2 / r
    assert values["D_u"] * laplacian == pytest.approx(values["k_p"] * u(r), rel=1e-5)
    R = np.array([1.2])
    slope = (u(R + h) - u(R - h)) / (2 * h)
    assert values["D_u"] * slope == pytest.approx(values["k_kin"] * 1.2 / 3 * (values["c_t"] - u(R)), rel=1e-6)
    assert np.isfinite(u(np.array([0.0])))


def test_the_decay_of_degree_one_is_a_root():
    assert decay_equation(EXACT - 1e-7, 1) * decay_equation(EXACT + 1e-7, 1) < 0


def test_emptying_begins_full_and_ends_with_one_exponential():
    assert emptying(np.array([0.0015]))[0] == pytest.approx(1 - 6 * np.sqrt(0.0015 / np.pi) + 3 * 0.0015, rel=1e-9)
    late = emptying(np.array([1.0, 1.1]))
    assert np.log(late[0] / late[1]) == pytest.approx(0.1 * np.pi**2, rel=1e-9)


def test_discrete_decays_converge_with_order_two():
    assert order(coupled_rows((3, 6))) > 1.9
    for degree in DEGREES[:2]:
        assert order(surface_rows((4, 8), degree)) > 1.9


def test_the_manufactured_solution_converges_with_order_two():
    rows = space_time_rows((6, 9))
    assert order(rows) > 1.7
    assert rows[-1].error < 0.02


def test_the_emptying_ball_is_near_cranks():
    times, deviation, row = crank_deviations(6, steps=100)
    assert row.error < 0.03
    assert np.abs(deviation[times > 0.3]).max() < 0.01
