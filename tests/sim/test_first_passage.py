from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.analytic import ball, box, cylinder
from cellml.sim.domain import Domain
from cellml.sim.enrichment import Enrichment
from cellml.sim.first_passage import first_passage_time


def _reach(mesh, D, target):
    domain = Domain(mesh)
    return first_passage_time(domain, Enrichment(domain), D, domain.local(mesh.facets_named(target)))


@pytest.mark.parametrize(
    "mesh",
    [box((200.0, 300.0, 2000.0), (2, 3, 20), cuts=("z0",)), cylinder(200.0, 2000.0, refinements=2, layers=20, cuts=("z0",))],
    ids=lambda m: m.name,
)
def test_tube_with_one_open_end_is_left_after_length_squared_over_three_D(mesh):
    exact = 2.0**2 / (3 * 0.5)
    found = _reach(mesh, 0.5, "cut_z0")
    assert abs(found.value - exact) <= found.error < 0.01 * exact
    z = mesh.points[:, 2] / 1000.0
    assert np.abs(found.field - z * (4.0 - z)).max() < 0.01  # t(z) = z (2L − z) / 2D


def test_absorbing_ball_is_left_after_radius_squared_over_fifteen_D_with_order_two(observed_order):
    radius, D = 0.5, 2.0
    errors = [abs(_reach(ball(1000.0 * radius, n), D, "membrane").value / (radius**2 / (15 * D)) - 1.0) for n in (2, 3, 4)]
    assert observed_order([1.0, 0.5, 0.25], errors) >= 1.9
    assert errors[-1] < 0.005


def test_the_farther_wall_takes_longer_to_reach_than_either_of_two(rod):
    both = np.concatenate([rod.facets_named("cut_z0"), rod.facets_named("cut_z1")])
    domain = Domain(rod)
    one = _reach(rod, 1.0, "cut_z0").value
    two = first_passage_time(domain, Enrichment(domain), 1.0, domain.local(both)).value
    assert one / two == pytest.approx(4.0, rel=1e-3)  # L²/3 against (L/2)²/3
