from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.analytic import ball, box
from cellml.sim.errors import SimulationError
from cellml.sim.flow import Convection, HeatFlux, Temperature, heat_in_time, solve_heat
from cellml.sim.flow.cases import heated_sphere_rows, layered_sphere, layered_sphere_rows, layered_temperature


def order(rows):
    return float(np.polyfit(np.log([r.h for r in rows]), np.log([r.error for r in rows]), 1)[0])


@pytest.fixture
def wall():
    return box((1000.0, 500.0, 500.0), (4, 1, 1), cuts=("x0", "x1"))


def test_a_ball_with_a_source_that_cools_by_convection():
    assert order(heated_sphere_rows((1, 2, 3), order=1, isoparametric=False)) > 1.8
    assert order(heated_sphere_rows((1, 2), order=2, isoparametric=True)) > 2.8


def test_two_shells_of_different_conductivity():
    assert order(layered_sphere_rows((4, 8), order=1, isoparametric=False)) > 1.8
    assert order(layered_sphere_rows((2, 4, 8), order=2, isoparametric=True)) > 2.8
    straight = order(layered_sphere_rows((4, 8), order=2, isoparametric=False))
    assert 1.8 < straight < 2.3


def test_the_layered_closed_form_is_continuous_with_continuous_flux():
    h = 1e-5
    T = lambda r: float(layered_temperature(np.array([r]))[0])  # noqa: E731
    assert T(1.0 - 1e-9) == pytest.approx(T(1.0 + 1e-9), abs=1e-7)
    inside, outside = (T(1.0 - h) - T(1.0 - 2 * h)) / h, (T(1.0 + 2 * h) - T(1.0 + h)) / h
    assert 1.0 * inside == pytest.approx(4.0 * outside, rel=1e-3)
    assert T(0.5 + h) - T(0.5) == pytest.approx(0.0, abs=1e-8)
    assert -4.0 * (T(2.0) - T(2.0 - h)) / h == pytest.approx(3.0 * T(2.0), rel=1e-3)


def test_heat_made_is_heat_that_leaves():
    field = layered_sphere(4, order=2, isoparametric=True)
    tets = field.space.mesh.regions == 1
    assert field.heat["outer"] == pytest.approx(6.0 * field.space.weights[tets].sum(), rel=1e-9)


def test_a_wall_conducts(wall):
    field = solve_heat(wall, 2.0, [Temperature("cut_x0", 310.0), Temperature("cut_x1", 300.0)])
    assert field.temperature == pytest.approx(310.0 - 10.0 * wall.points[:, 0] * 1e-3)
    assert field.heat == pytest.approx({"cut_x0": -5.0, "cut_x1": 5.0})


def test_a_flux_through_a_wall(wall):
    field = solve_heat(wall, 2.0, [HeatFlux("cut_x0", 6.0), Temperature("cut_x1", lambda p: 300.0 + 0.0 * p[:, 0])], order=2)
    assert field.temperature == pytest.approx(300.0 + 3.0 * (1.0 - wall.points[:, 0] * 1e-3))
    assert field.heat["cut_x1"] == pytest.approx(6.0 * 0.25)


def mode(p):
    return np.cos(np.pi * p[:, 0])


def errors(wall, scheme, steps):
    """Largest nodal error against a run of 400 steps, so that only the steps' error counts."""
    run = lambda n, s: heat_in_time(wall, 1.0, 2.0, [], initial=mode, end=0.2, steps=n, scheme=s, order=2).nodal  # noqa: E731
    fine = run(400, "crank_nicolson")
    return [float(np.abs(run(n, scheme) - fine).max()) for n in steps]


@pytest.mark.parametrize(("scheme", "expected"), [("backward_euler", 1.0), ("crank_nicolson", 2.0)])
def test_orders_in_time(wall, scheme, expected):
    first, second = errors(wall, scheme, (20, 40))
    assert np.log2(first / second) == pytest.approx(expected, abs=0.12)


def test_a_mode_decays_as_it_must(wall):
    history = heat_in_time(wall, 1.0, 2.0, [], initial=mode, end=0.2, steps=40, order=2, every=20)
    assert history.temperature == pytest.approx(np.cos(np.pi * wall.points[:, 0] * 1e-3) * np.exp(-0.5 * np.pi**2 * 0.2), abs=3e-3)
    assert history.stored == pytest.approx(np.full(41, history.stored[0]), abs=1e-14)
    assert sorted(history.snapshots) == [20, 40]
    assert (history.snapshots[40] == history.nodal).all()
    assert history.times[-1] == pytest.approx(0.2)
    assert history.highest[-1] < history.highest[0] and history.lowest[-1] > history.lowest[0]


def test_sources_fill_a_sealed_body_and_time_leads_to_the_steady_state(wall):
    filled = heat_in_time(wall, 1.0, 2.0, [], initial=300.0, end=3.0, steps=5, sources=4.0)
    assert filled.mean == pytest.approx(300.0 + 2.0 * filled.times)
    conditions = [Temperature("cut_x0", 310.0), Convection("cut_x1", 3.0, 300.0)]
    steady = solve_heat(wall, 1.0, conditions, sources=1.0)
    late = heat_in_time(wall, 1.0, 1.0, conditions, initial=300.0, end=30.0, steps=60, scheme="backward_euler", sources=1.0)
    assert late.nodal == pytest.approx(steady.nodal, abs=1e-6)


def test_bad_heat_is_refused(wall):
    cooled = [Convection("membrane", 1.0, 300.0)]
    with pytest.raises(SimulationError, match="Nothing ties the temperature"):
        solve_heat(wall, 1.0, [HeatFlux("cut_x0", 1.0), Convection("membrane", 0.0, 300.0)])
    with pytest.raises(SimulationError, match="conductivity of 'box' must be positive"):
        solve_heat(wall, {"cell": -1.0}, cooled)
    with pytest.raises(SimulationError, match="missing for cell, unknown region ER"):
        solve_heat(wall, {"ER": 1.0}, cooled)
    with pytest.raises(SimulationError, match="must not be negative"):
        solve_heat(wall, 1.0, [Convection("membrane", -1.0, 300.0)])
    with pytest.raises(SimulationError, match="two heat exchanges"):
        solve_heat(wall, 1.0, [*cooled, *cooled])
    with pytest.raises(SimulationError, match="finite numbers in K"):
        solve_heat(wall, 1.0, [Temperature("cut_x0", float("nan"))])


def test_bad_times_are_refused(wall):
    with pytest.raises(SimulationError, match="crank_nicolson"):
        heat_in_time(wall, 1.0, 1.0, [], initial=1.0, end=1.0, steps=1, scheme="leapfrog")
    with pytest.raises(SimulationError, match="both must be positive"):
        heat_in_time(wall, 1.0, 1.0, [], initial=1.0, end=0.0, steps=1)
    with pytest.raises(SimulationError, match="heat capacity"):
        heat_in_time(wall, 1.0, 0.0, [], initial=1.0, end=1.0, steps=1)
    with pytest.raises(SimulationError, match="initial temperature"):
        heat_in_time(ball(1000.0, 1), 1.0, 1.0, [], initial=lambda p: p, end=1.0, steps=1)
