from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse.linalg import eigsh

from cellml.sim.analytic import ball, box
from cellml.sim.domain import Domain
from cellml.sim.errors import SimulationError
from cellml.sim.transient import diffuse, point_release, surface_release


@pytest.mark.parametrize("scheme", ["backward_euler", "bdf2"])
def test_ten_thousand_steps_keep_the_amount_to_round_off(rod, nodes_of, scheme):
    domain = Domain(rod)
    load = surface_release(domain, nodes_of(domain, "cut_z0"))
    found = diffuse(domain, 1.0, load, end=2.0, steps=10_000, scheme=scheme)
    assert np.abs(found.amount / found.amount[0] - 1.0).max() <= 1e-12
    assert found.snapshots[10_000] == pytest.approx(1.0, abs=1e-6)  # two seconds are twenty relaxation times


@pytest.mark.parametrize(("scheme", "order"), [("backward_euler", 0.95), ("bdf2", 1.9)])
def test_time_steps_converge_with_their_order(scheme, order, observed_order):
    domain = Domain(ball(1000.0, 2))
    eigenvalues, modes = eigsh(domain.stiffness, k=2, M=domain.mass, sigma=-0.1)
    rate, mode = eigenvalues.max(), modes[:, eigenvalues.argmax()]
    errors, counts = [], (40, 80, 160)
    for steps in counts:  # in space the mode is exact, so that only time is left to err
        u = diffuse(domain, 1.0, domain.mass @ mode, end=1.0 / rate, steps=steps, scheme=scheme).snapshots[steps]
        errors.append(np.abs(u - np.exp(-1.0) * mode).max())
    assert observed_order([1.0 / n for n in counts], errors) >= order


def test_a_release_at_one_end_spreads_as_the_reflected_gaussian(nodes_of):
    mesh = box((100.0, 100.0, 1000.0), (1, 1, 80), cuts=("z0",))
    domain = Domain(mesh)
    t, D = 0.02, 1.0
    u = diffuse(domain, D, surface_release(domain, nodes_of(domain, "cut_z0")), end=t, steps=200, scheme="bdf2").snapshots[200]
    z = domain.coordinates[:, 2]
    images = sum(np.exp(-((z - 2 * k) ** 2) / (4 * D * t)) for k in (-1, 0, 1))
    assert np.abs(u - images / np.sqrt(np.pi * D * t)).max() < 0.01 * u.max()


def test_surface_release_is_even_over_the_facets(rod, nodes_of):
    domain = Domain(rod)
    facets = nodes_of(domain, "cut_z1")
    load = surface_release(domain, facets)
    assert load.sum() == pytest.approx(domain.volume)
    assert load @ domain.coordinates / load.sum() == pytest.approx([0.1, 0.15, 1.0])  # the centre of that face
    assert set(np.flatnonzero(load)) == set(np.unique(facets))


def test_point_release_keeps_amount_and_position(rod):
    domain = Domain(rod)
    point = (130.0, 77.0, 512.0)
    load = point_release(domain, point)
    assert load.sum() == pytest.approx(domain.volume)
    assert (load @ domain.coordinates / load.sum()) * 1000.0 == pytest.approx(point)
    assert np.count_nonzero(load) <= 4


def test_a_point_outside_is_refused_with_its_distance(rod):
    with pytest.raises(SimulationError, match=r"outside 'box'; the nearest corner of it is 100 nm away"):
        point_release(Domain(rod), (0.0, 0.0, -100.0))


def test_snapshots_are_spread_evenly_and_end_at_the_end(rod, nodes_of):
    domain = Domain(rod)
    found = diffuse(domain, 1.0, surface_release(domain, nodes_of(domain, "cut_z0")), end=0.1, steps=10, scheme="bdf2", snapshots=5)
    assert sorted(found.snapshots) == [2, 4, 6, 8, 10]
    assert found.times[[0, -1]] == pytest.approx([0.0, 0.1])
    assert found.highest[-1] == found.snapshots[10].max()
    one = diffuse(domain, 1.0, surface_release(domain, nodes_of(domain, "cut_z0")), end=0.1, steps=1, scheme="bdf2", snapshots=5)
    assert sorted(one.snapshots) == [1]
