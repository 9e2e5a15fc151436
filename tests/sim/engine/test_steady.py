"""States at rest, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.analytic import box
from cellml.sim.dynamics import run
from cellml.sim.errors import SimulationError
from cellml.sim.verification.balls import icosahedral_ball
from cellml.sim.verification.sphere import sphere_rows
from cellml.sim.verification.well_mixed import steady_error, transient_error


def test_steady_state_of_binding_is_the_root_of_its_quadratic_equation():
    assert steady_error(2) < 1e-11


def test_fast_diffusion_follows_the_ordinary_equation():
    assert transient_error(2) < 1e-3


def test_the_sphere_of_a_membrane_kinase():
    coarse, fine = sphere_rows((2, 4))
    assert fine.error < 0.35 * coarse.error
    assert fine.error < 0.01


def test_a_line_between_two_held_faces(model_of):
    """c = 1 + 2z exactly, which P1 elements hold; a second species that nothing holds stays as it was."""
    mesh = box((500.0, 500.0, 1000.0), (2, 2, 3), cuts=("z0", "z1"))
    model = model_of("""
species:
  c: {in: "*", D: {value: 3, unit: um^2/s}}
  idle: {in: "*", D: {value: 1, unit: um^2/s}, initial: {value: 7, unit: molecule/um^3}}
fixed:
  - {of: c, on: cut_z0, value: {value: 1, unit: molecule/um^3}}
  - {of: c, on: cut_z1, value: {value: 3, unit: molecule/um^3}}
steady: true
""")
    dynamics = run(mesh, model)
    y = dynamics.states[np.inf]
    assert y[dynamics.system.slices["c"]] == pytest.approx(1 + 2 * mesh.points[:, 2] * 1e-3, abs=1e-10)
    assert y[dynamics.system.slices["idle"]] == pytest.approx(7.0, rel=1e-10)


def test_a_rest_that_depends_on_the_beginning_keeps_the_total(model_of):
    """Diffusion alone has as many states at rest as totals: the mean is what it was."""
    model = model_of("""
species: {c: {in: "*", D: {value: 1, unit: um^2/s}, initial: c_0*(1 + x/R)}}
parameters: {c_0: {value: 2, unit: molecule/um^3}, R: {value: 1, unit: um}}
releases: [{of: c, at: membrane, amount: {value: 5, unit: molecule}}]
steady: true
""")
    dynamics = run(icosahedral_ball(1000.0, 2), model)
    space = dynamics.system.space_of("c")
    mean = float(space.weights @ dynamics.system.initial(model.values())) / space.measure + 5.0 / space.measure
    assert dynamics.states[np.inf] == pytest.approx(mean, rel=1e-10)


def test_what_never_rests_is_said(model_of):
    model = model_of("""
species: {c: {in: "*"}}
reactions: [{in: "*", equation: 0 -> c, rate: r}]
parameters: {r: {value: 1, unit: molecule/um^3/s}}
steady: true
""")
    with pytest.raises(SimulationError, match="No steady state was found"):
        run(box((1000.0, 1000.0, 1000.0), (1, 1, 1)), model)
