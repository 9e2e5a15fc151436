from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.analytic import ball, box, cylinder
from cellml.sim.domain import Domain
from cellml.sim.enrichment import Enrichment
from cellml.sim.relaxation import relaxation_time

_FIRST_ROOT = 2.0815759778  # j₁'(x) = 0: the slowest mode of a sealed ball


def _relax(mesh, D=1.0):
    domain = Domain(mesh)
    return relaxation_time(domain, Enrichment(domain), D)


@pytest.mark.parametrize(
    "mesh", [box((200.0, 300.0, 3000.0), (2, 3, 24)), cylinder(200.0, 3000.0, refinements=2, layers=24)], ids=lambda m: m.name
)
def test_straight_tube_relaxes_in_length_squared_over_pi_squared_D(mesh):
    exact = 3.0**2 / (np.pi**2 * 2.5)
    found = _relax(mesh, D=2.5)
    assert abs(found.value - exact) <= found.error < 0.01 * exact


def test_the_mode_of_a_tube_is_a_cosine_along_it(rod):
    mode = _relax(rod).field
    z = rod.points[:, 2] / 1000.0
    assert np.abs(mode - mode[z == 0][0] * np.cos(np.pi * z)).max() < 0.05
    assert np.abs(mode).max() == mode.max() == 1.0


def test_sealed_ball_converges_with_order_two(observed_order):
    radius, D, errors = 1.5, 3.0, []
    for refinements in (2, 3, 4):
        eigenvalue = 1.0 / _relax(ball(1000.0 * radius, refinements), D).value
        errors.append(abs(eigenvalue / (D * (_FIRST_ROOT / radius) ** 2) - 1.0))
    assert observed_order([1.0, 0.5, 0.25], errors) >= 1.9
    assert errors[-1] < 0.005


def test_the_stated_error_is_half_of_what_linear_elements_are_off_by():
    exact = 9.0 / np.pi**2
    found = _relax(box((1000.0, 1000.0, 3000.0), (3, 3, 9)))
    domain = Domain(box((1000.0, 1000.0, 3000.0), (3, 3, 9)))
    linear = domain.mass, domain.stiffness
    quotient = (found.field @ linear[1] @ found.field) / (found.field @ linear[0] @ found.field)
    assert found.error == pytest.approx(0.5 * (exact - 1.0 / quotient), rel=0.05)


def test_the_digits_repeat():
    mesh = ball(1000.0, 2)
    first, second = _relax(mesh), _relax(mesh)
    assert first.value == second.value
    assert np.array_equal(first.field, second.field)
