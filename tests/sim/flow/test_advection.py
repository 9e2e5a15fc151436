from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.sim.analytic import ball, cylinder
from cellml.sim.domain import Domain
from cellml.sim.errors import SimulationError
from cellml.sim.flow import Opening, Velocity, advection_matrix, inflow_load, peclet_number, solve_stokes
from cellml.sim.flow.cases import advected_profile, advection_rows

KINDS = ("none", "streamline", "algebraic")
SPHERE = Domain(ball(1000.0, 1))


def swirl(points):
    return np.stack([-points[:, 1], points[:, 0], 0 * points[:, 0]], axis=1) * (1.0 - (points[:, :2] ** 2).sum(axis=1))[:, None]


@pytest.fixture(scope="module")
def stirred():
    """Fluid in a closed cylinder whose floor turns."""
    mesh = cylinder(1000.0, 1000.0, refinements=1, layers=2)
    return solve_stokes(mesh, 1e-3, velocities=[Velocity("membrane"), Velocity("cut_z0", swirl), Velocity("cut_z1")])


@pytest.fixture(scope="module")
def through():
    mesh = cylinder(1000.0, 1000.0, refinements=1, layers=2)
    return solve_stokes(mesh, 1.0, velocities=[Velocity("membrane")], loads=[Opening("cut_z0", 10.0), Opening("cut_z1", 0.0)])


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32 - 1), st.sampled_from(KINDS))
def test_nothing_is_made_or_lost_whatever_the_velocity(seed, kind):
    w = np.random.default_rng(seed).normal(size=SPHERE.coordinates.shape)
    C = advection_matrix(SPHERE, w, diffusivity=10.0, upwind=kind)
    assert np.abs(np.asarray(C.sum(axis=0))).max() < 1e-14 * abs(C).max() * C.shape[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_closed_flow_keeps_uniform_concentrations_uniform(stirred, kind):
    domain = Domain(stirred.space.mesh)
    C = advection_matrix(domain, stirred, diffusivity=1.0, upwind=kind)
    assert np.abs(C @ np.ones(C.shape[0])).max() < 1e-9 * abs(C).max()
    assert abs(C).max() > 1e-3


def test_nodal_velocities_agree_with_scikit_fem():
    from skfem import BilinearForm

    w = np.random.default_rng(0).normal(size=SPHERE.coordinates.shape)
    field = [SPHERE.basis.interpolate(w[:, i]) for i in range(3)]
    form = BilinearForm(lambda u, v, p: -u * (p["x_"] * v.grad[0] + p["y_"] * v.grad[1] + p["z_"] * v.grad[2]))
    theirs = form.assemble(SPHERE.basis, x_=field[0], y_=field[1], z_=field[2])
    assert abs(advection_matrix(SPHERE, w, diffusivity=10.0) - theirs).max() < 1e-14


def test_what_flows_in_at_one_concentration_flows_out_at_it(through):
    domain = Domain(through.space.mesh)
    C = advection_matrix(domain, through, diffusivity=10.0, outflow=["cut_z1"])
    load = inflow_load(domain, through, "cut_z0", 3.0)
    assert C @ np.full(C.shape[0], 3.0) == pytest.approx(load, abs=1e-8)
    assert load.sum() == pytest.approx(-3.0 * through.flux("cut_z0"))
    assert np.asarray(C.sum(axis=0)).sum() == pytest.approx(through.flux("cut_z1"))


def test_nodal_velocities_pass_through_openings(through):
    domain = Domain(through.space.mesh)
    w = np.tile([0.0, 0.0, 2.0], (len(domain.nodes), 1))
    area = through.space.facets("cut_z0").area
    assert inflow_load(domain, w, "cut_z0", 5.0).sum() == pytest.approx(10.0 * area)
    assert inflow_load(domain, w, "cut_z1", 5.0).sum() == 0.0


def test_the_exponential_profile_is_met_with_order_2():
    rows = advection_rows((4, 8, 16))
    assert rows[-1].order > 1.9 and rows[-1].error < 0.01
    assert advection_rows((8, 16), upwind="streamline")[-1].order > 1.9
    assert 0.8 < advection_rows((8, 16), upwind="algebraic")[-1].order < 1.5


def test_upwinding_tames_wiggles(caplog):
    with caplog.at_level(logging.WARNING):
        _, wiggly = advected_profile(8, speed=40.0, diffusivity=1.0)
    assert "mesh Péclet number of 'box' reaches 2.5 (above 1 in 100 %" in caplog.text
    caplog.clear()
    _, fewer = advected_profile(8, speed=40.0, diffusivity=1.0, upwind="streamline")
    _, none = advected_profile(8, speed=40.0, diffusivity=1.0, upwind="algebraic")
    assert wiggly.min() < 2.0 * fewer.min() < 0.0
    assert none.min() > -1e-12 and none.max() <= 1.0
    assert caplog.text == ""


def test_algebraic_upwinding_leaves_no_positive_off_diagonal(stirred):
    domain = Domain(stirred.space.mesh)
    A = (0.01 * domain.stiffness + advection_matrix(domain, stirred, diffusivity=0.01, upwind="algebraic")).tocoo()
    assert A.data[A.row != A.col].max() < 1e-15


def test_the_peclet_number_is_that_of_the_edge_along_the_flow():
    domain, _ = advected_profile(4, speed=1.0, diffusivity=1.0)
    w = np.tile([3.0, 0.0, 0.0], (len(domain.nodes), 1))
    assert peclet_number(domain, w, 0.5) == pytest.approx(np.full(len(domain.mesh.tets), 3.0 * 0.25 / (2 * 0.5)))
    assert (peclet_number(domain, 0.0 * w, 0.5) == 0.0).all()


def test_stirring_in_time_conserves(stirred):
    from scipy.sparse.linalg import splu

    domain = Domain(stirred.space.mesh)
    C = advection_matrix(domain, stirred, diffusivity=0.1, upwind="streamline")
    step, M = 0.05, domain.mass
    solve = splu((M / step + 0.1 * domain.stiffness + C).tocsc()).solve
    c = np.where(domain.coordinates[:, 0] > 0, 1.0, 0.0)
    start, spread = (M @ c).sum(), np.ptp(c)
    for _ in range(50):
        c = c - solve((0.1 * domain.stiffness + C) @ c)
    assert (M @ c).sum() == pytest.approx(start, rel=1e-12)
    assert np.ptp(c) < 0.5 * spread


def test_bad_input_is_refused(stirred):
    with pytest.raises(SimulationError, match="another mesh than 'ball'"):
        advection_matrix(SPHERE, stirred, diffusivity=1.0)
    with pytest.raises(SimulationError, match=r"must be finite and \(\d+, 3\)"):
        advection_matrix(SPHERE, np.zeros((3, 3)), diffusivity=1.0)
    with pytest.raises(SimulationError, match="diffusivity is 0"):
        peclet_number(SPHERE, np.zeros(SPHERE.coordinates.shape), 0.0)
    with pytest.raises(SimulationError, match="none, streamline, algebraic"):
        advection_matrix(SPHERE, np.zeros(SPHERE.coordinates.shape), diffusivity=1.0, upwind="full")
