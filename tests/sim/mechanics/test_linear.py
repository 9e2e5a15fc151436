from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.sim.analytic import ball, box, with_named_boundary
from cellml.sim.errors import SimulationError
from cellml.sim.mechanics import Displacement, Elastic, Pressure, Traction, onto_sphere, solve_elastic
from cellml.types import TetMesh

MATERIAL = Elastic(1000.0, 0.3)


def shaken(cells=(2, 2, 2), size=(1000.0, 1000.0, 1000.0), cuts=("z0", "z1"), seed=0):
    """A box whose inner points are moved at random."""
    mesh = box(size, cells, cuts=cuts)
    points = mesh.points.copy()
    inside = ((points > 1e-6) & (points < np.array(size) - 1e-6)).all(axis=1)
    points[inside] += np.random.default_rng(seed).uniform(-80.0, 80.0, (inside.sum(), 3))
    return with_named_boundary(points, mesh.tets, cuts=cuts, name="shaken")


def hooke(A, material=MATERIAL):
    lam, mu = material.lame
    strain = 0.5 * (A + A.T)
    return lam * np.trace(strain) * np.eye(3) + 2 * mu * strain


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2]))
def test_patch(seed, order):
    """Any linear displacement of the boundary is taken up exactly inside, whatever the mesh."""
    A = np.random.default_rng(seed).normal(scale=0.1, size=(3, 3))
    mesh = shaken(seed=seed % 7, cuts=())
    solution = solve_elastic(mesh, MATERIAL, displacements=[Displacement("membrane", lambda p: p @ A.T)], order=order)
    assert solution.displacement == pytest.approx(mesh.points * 1e-3 @ A.T, abs=1e-12)
    assert solution.stress == pytest.approx(np.tile(hooke(A), (len(mesh.tets), 1, 1)), abs=1e-8)
    assert solution.energy == pytest.approx(0.5 * (hooke(A) * A).sum(), rel=1e-9)
    assert solution.reactions["membrane"] == pytest.approx(np.zeros(3), abs=1e-8)


@pytest.mark.parametrize("order", [1, 2])
def test_a_bar_pulled_at_one_end(order):
    mesh = shaken((2, 2, 3), (1000.0, 1000.0, 2000.0), ("x0", "y0", "z0", "z1"))
    planes = [
        Displacement("cut_x0", (0.0, None, None)),
        Displacement("cut_y0", (None, 0.0, None)),
        Displacement("cut_z0", (None, None, 0.0)),
    ]
    solution = solve_elastic(mesh, MATERIAL, displacements=planes, loads=[Traction("cut_z1", (0.0, 0.0, 50.0))], order=order)
    stretch = 50.0 / 1000.0
    assert solution.displacement == pytest.approx(mesh.points * 1e-3 * stretch * np.array([-0.3, -0.3, 1.0]), abs=1e-12)
    assert solution.von_mises() == pytest.approx(np.full(len(mesh.tets), 50.0))
    assert solution.at_points(solution.von_mises()) == pytest.approx(np.full(len(mesh.points), 50.0))
    assert solution.at_points(solution.stress)[:, 2, 2] == pytest.approx(np.full(len(mesh.points), 50.0))
    assert solution.loads["cut_z1"] == pytest.approx([0.0, 0.0, 50.0])
    assert solution.reactions["cut_z0"] == pytest.approx([0.0, 0.0, -50.0])
    assert solution.energy == pytest.approx(0.5 * 50.0 * stretch * 2.0)
    assert solution.imbalance < 1e-12


def layered(heights=(400.0, 600.0)):
    mesh = box((500.0, 500.0, 1000.0), (1, 1, 5), cuts=("z0", "z1"))
    upper = mesh.points[mesh.tets][:, :, 2].mean(axis=1) > heights[0]
    regions = np.where(upper, 2, 1).astype(np.int32)
    return TetMesh(mesh.points, mesh.tets, regions, {1: "nucleus", 2: "cell"}, mesh.facets, mesh.facet_tags, mesh.facet_names, "layered")


def test_layers_in_series_share_the_stress():
    """Compressed between smooth walls, each layer has the stiffness λ + 2μ."""
    materials = {"nucleus": Elastic(5000.0, 0.2), "cell": Elastic(800.0, 0.4)}
    walls = [Displacement("membrane", (0.0, 0.0, None)), Displacement("cut_z0"), Displacement("cut_z1", (0.0, 0.0, -0.05))]
    solution = solve_elastic(layered(), materials, displacements=walls, order=1)
    moduli = [lam + 2 * mu for lam, mu in (m.lame for m in materials.values())]
    stress = -0.05 / (0.4 / moduli[0] + 0.6 / moduli[1])
    assert solution.stress[:, 2, 2] == pytest.approx(np.full(len(solution.stress), stress))
    assert solution.reactions["cut_z1"][2] == pytest.approx(stress * 0.25)
    total = sum(solution.reactions.values())
    assert total == pytest.approx(np.zeros(3), abs=1e-10)


def test_balanced_tractions_need_no_support():
    mesh = shaken((2, 2, 2), (1000.0, 1000.0, 1000.0))
    pulls = [Traction("cut_z0", (0.0, 0.0, -50.0)), Traction("cut_z1", (0.0, 0.0, 50.0))]
    free = solve_elastic(mesh, MATERIAL, loads=pulls)
    assert free.strain[:, 2, 2] == pytest.approx(np.full(len(mesh.tets), 0.05))
    assert free.imbalance < 1e-10
    space = free.space
    u, x = space.at_quadrature(free.nodal), space.points - space.nodes.mean(axis=0)
    assert np.einsum("tq,tqi->i", space.weights, u) == pytest.approx(np.zeros(3), abs=1e-12)
    assert np.einsum("tq,tqi->i", space.weights, np.cross(x, u)) == pytest.approx(np.zeros(3), abs=1e-12)


def test_a_support_that_leaves_a_rotation_free_is_enough_where_nothing_turns_the_body():
    mesh = shaken((2, 2, 2))
    held = [Displacement("cut_z0", (None, None, 0.0))]
    solution = solve_elastic(mesh, MATERIAL, displacements=held, loads=[Traction("cut_z1", (0.0, 0.0, 50.0))])
    assert solution.strain[:, 0, 0] == pytest.approx(np.full(len(mesh.tets), -0.015))
    assert solution.reactions["cut_z0"] == pytest.approx([0.0, 0.0, -50.0])


def test_a_curved_ball_under_pressure_shrinks_evenly():
    """u = −p x / (3K) is linear, so order 2 on curved tetrahedra has it exactly, and closed pressure balances itself."""
    solution = solve_elastic(ball(1000.0, 1), MATERIAL, loads=[Pressure("membrane", 30.0)], curved={"membrane": onto_sphere(1.0)})
    bulk = 1000.0 / (3 * (1 - 2 * 0.3))
    assert solution.nodal == pytest.approx(-30.0 / (3 * bulk) * (solution.space.nodes - _centre(solution.space)), abs=1e-10)
    assert solution.von_mises() == pytest.approx(np.zeros(len(solution.stress)), abs=1e-7)
    assert solution.loads["membrane"] == pytest.approx(np.zeros(3), abs=1e-10)


def _centre(space):
    return np.einsum("tq,tqi->i", space.weights, space.points) / space.weights.sum()


def test_a_push_on_a_free_body_is_refused_with_its_force(rod):
    with pytest.raises(SimulationError, match=r"6 ways and the loads push it: net force \[0.  0.  0.6\] pN"):
        solve_elastic(rod, MATERIAL, loads=[Traction("cut_z1", (0.0, 0.0, 10.0))], order=1)


def test_a_torque_on_a_hinge_is_refused(rod):
    with pytest.raises(SimulationError, match="3 ways"):
        solve_elastic(rod, MATERIAL, displacements=[Displacement("cut_z0", (None, None, 0.0))], loads=[Traction("cut_z1", (1.0, 0.0, 0.0))])


def test_pressure_inside_a_body_is_refused():
    mesh = layered()
    inner = np.unique(mesh.points[:, 2])[2]
    corners = np.sort(mesh.tets, axis=1)
    faces = np.unique(np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 1, 3]], corners[:, [0, 2, 3]], corners[:, [1, 2, 3]]]), axis=0)
    flat = faces[(np.abs(mesh.points[faces][:, :, 2] - inner) < 1e-6).all(axis=1)]
    tagged = TetMesh(mesh.points, mesh.tets, mesh.regions, mesh.region_names, flat, np.ones(len(flat), np.int32), {1: "ER"}, "layered")
    with pytest.raises(SimulationError, match="2 of its 2 facets lie inside"):
        solve_elastic(tagged, MATERIAL, loads=[Pressure("ER", 1.0)], order=1)


def test_parts_that_do_not_touch_are_refused(rod):
    points = np.concatenate([rod.points, rod.points + 5000.0])
    tets = np.concatenate([rod.tets, rod.tets + len(rod.points)])
    with pytest.raises(SimulationError, match="2 parts"):
        solve_elastic(with_named_boundary(points, tets), MATERIAL, displacements=[Displacement("membrane")], order=1)


@pytest.mark.parametrize(
    ("young", "poisson", "word"), [(0.0, 0.3, "positive"), (float("nan"), 0.3, "positive"), (1.0, 0.5, "0.499"), (1.0, -1.0, "−1")]
)
def test_impossible_materials_are_refused(young, poisson, word):
    with pytest.raises(SimulationError, match=word):
        Elastic(young, poisson)


@pytest.mark.parametrize("value", [(float("inf"), 0.0, 0.0), lambda p: p[:, 0]])
def test_impossible_displacements_are_refused(rod, value):
    with pytest.raises(SimulationError, match="cut_z0"):
        solve_elastic(rod, MATERIAL, displacements=[Displacement("cut_z0", value)], order=1)


def test_impossible_tractions_are_refused(rod):
    with pytest.raises(SimulationError, match="traction on 'cut_z1'"):
        solve_elastic(rod, MATERIAL, loads=[Traction("cut_z1", lambda p, n: np.nan * n)], order=1)
