from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.analytic import box, cylinder
from cellml.sim.errors import SimulationError
from cellml.sim.flow import Opening, Traction, Velocity, solve_stokes
from cellml.sim.flow.cases import manufactured_pressure, manufactured_velocity, poiseuille_flow, poiseuille_rows, stokes_rows
from cellml.sim.flow.saddle import pressure_by_cg


def order(rows):
    return float(np.polyfit(np.log([r.h for r in rows]), np.log([r.error for r in rows]), 1)[0])


def test_the_manufactured_velocity_keeps_volume_and_is_an_eigenfield():
    rng, h = np.random.default_rng(0), 1e-3
    x = rng.uniform(size=(20, 3))
    around = [(manufactured_velocity(x + e), manufactured_velocity(x - e)) for e in h * np.eye(3)]
    div = sum((a[:, i] - b[:, i]) / (2 * h) for i, (a, b) in enumerate(around))
    laplacian = sum((a + b - 2 * manufactured_velocity(x)) / h**2 for a, b in around)
    assert div == pytest.approx(np.zeros(20), abs=1e-8)
    assert laplacian == pytest.approx(-4 * manufactured_velocity(x), abs=1e-4)
    grid = (np.arange(50) + 0.5) / 50
    assert manufactured_pressure(np.stack(np.meshgrid(grid, grid, grid), axis=-1)).mean() == pytest.approx(0.0, abs=1e-3)


def test_orders_of_velocity_and_pressure():
    assert order(stokes_rows((2, 3, 5), quantity="velocity")) >= 2.8
    assert order(stokes_rows((2, 3, 5), quantity="pressure")) >= 1.9


def test_poiseuille_on_curved_and_straight_tubes():
    assert order(poiseuille_rows((1, 2), isoparametric=True)) >= 3.5
    assert order(poiseuille_rows((1, 2), isoparametric=True, quantity="velocity")) >= 2.8
    straight = poiseuille_rows((1, 2), isoparametric=False)
    assert 1.8 < order(straight) < 2.3
    assert poiseuille_rows((2,), isoparametric=True)[0].error < 2e-4


def test_what_flows_in_flows_out_and_the_wall_bears_the_pressure():
    flow = poiseuille_flow(2, isoparametric=True)
    into, out, wall = (flow.flux(name) for name in ("cut_z0", "cut_z1", "membrane"))
    assert into < 0.0 < out
    assert into + out == pytest.approx(0.0, abs=1e-8 * out)
    assert wall == pytest.approx(0.0, abs=1e-12)
    assert flow.forces["membrane"] == pytest.approx([0.0, 0.0, 10.0 * np.pi], abs=3e-3)
    assert flow.dissipation == pytest.approx(10.0 * out, rel=1e-8)
    z = flow.space.mesh.points[:, 2] * 1e-3
    assert flow.pressure == pytest.approx(10.0 - 5.0 * z, abs=0.02)
    assert flow.velocity[:, 2].max() == pytest.approx(10.0 / (4 * 1e-3 * 2.0), rel=1e-3)


def test_a_traction_shears_a_layer():
    """Couette flow u = τz/η is linear, so it is exact; the lid is driven by its traction alone."""
    mesh = box((1000.0, 1000.0, 1000.0), (1, 1, 2), cuts=("z0", "z1"))
    tau, eta = 3.0, 2.0
    walls = [Velocity("membrane", lambda p: np.stack([tau / eta * p[:, 2], 0 * p[:, 2], 0 * p[:, 2]], axis=1)), Velocity("cut_z0")]
    flow = solve_stokes(mesh, eta, velocities=walls, loads=[Traction("cut_z1", (tau, 0.0, 0.0))])
    z = mesh.points[:, 2] * 1e-3
    assert flow.velocity == pytest.approx(np.stack([tau / eta * z, 0 * z, 0 * z], axis=1), abs=1e-8)
    assert flow.pressure == pytest.approx(np.zeros(len(z)), abs=1e-7)
    assert flow.dissipation == pytest.approx(tau**2 / eta, rel=1e-6)
    assert sum(flow.forces.values()) == pytest.approx([tau, 0.0, 0.0], abs=1e-7)


def test_slip_walls_close_a_vessel():
    """Normal velocities alone leave the constant pressure free: it is given mean 0."""
    mesh = box((1000.0, 1000.0, 1000.0), (2, 2, 2), cuts=("x0", "x1", "z1"))
    slide = [Velocity("membrane"), Velocity("cut_x0", (0.0, 0.0, 0.0)), Velocity("cut_x1"), Velocity("cut_z1", (None, None, 0.0))]
    push = lambda p: np.stack([1.0 - p[..., 2] ** 2, 0 * p[..., 0], p[..., 0]], axis=-1)  # noqa: E731
    flow = solve_stokes(mesh, 1.0, velocities=slide, body_force=push)
    lower = flow.nodal_pressure
    assert np.abs(flow.nodal).max() > 1e-3
    means = lower[np.searchsorted(np.unique(mesh.tets), mesh.tets)].mean(axis=1)
    assert (means * mesh.volumes()).sum() == pytest.approx(0.0, abs=1e-6 * mesh.volumes().sum())
    force = sum(flow.forces.values())
    assert force == pytest.approx(np.array([1.0 - 1.0 / 3.0, 0.0, 0.5]), abs=1e-8)


@pytest.fixture
def tube():
    return cylinder(1000.0, 1000.0, refinements=1, layers=1)


def test_a_vessel_that_is_only_filled_is_refused(tube):
    filled = [Velocity("membrane"), Velocity("cut_z0", (0.0, 0.0, 1.0)), Velocity("cut_z1")]
    with pytest.raises(SimulationError, match="more out than in"):
        solve_stokes(tube, 1.0, velocities=filled)


def test_bad_flows_are_refused(tube):
    with pytest.raises(SimulationError, match="only one|openings only"):
        solve_stokes(tube, 1.0, velocities=[Velocity("membrane")], loads=[Opening("cut_z0"), Traction("cut_z1", (0.0, 0.0, 1.0))])
    with pytest.raises(SimulationError, match="viscosity is -1"):
        solve_stokes(tube, -1.0, velocities=[Velocity("membrane")])
    with pytest.raises(SimulationError, match="rigid body in 6 ways"):
        solve_stokes(tube, 1.0, velocities=[])
    with pytest.raises(SimulationError, match="body force must be finite"):
        solve_stokes(tube, 1.0, velocities=[Velocity("membrane")], body_force=lambda p: p[..., 0])


def test_a_pressure_that_does_not_converge_is_refused(monkeypatch):
    monkeypatch.setattr("cellml.sim.flow.saddle._ITERATIONS", 1)
    B = np.diag([1.0, 2.0, 3.0])
    with pytest.raises(SimulationError, match="after 1 iterations"):
        pressure_by_cg(lambda b: b, B, lambda b: b, np.ones(3), tolerance=1e-10, floor=0.0, closed=False)
