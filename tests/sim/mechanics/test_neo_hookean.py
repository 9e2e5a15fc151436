from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.analytic import box
from cellml.sim.errors import SimulationError
from cellml.sim.mechanics import Displacement, Elastic, LoadStepError, Traction, solve_elastic, solve_neo_hookean
from cellml.sim.mechanics.curve import uniaxial_neo_hookean
from cellml.sim.mechanics.hyperelastic import deform, energy, nodal_force, tangent
from cellml.sim.mechanics.problem import pose

MATERIAL = Elastic(1000.0, 0.3)
CUTS = ("x0", "y0", "z0", "z1")
PLANES = [Displacement("cut_x0", (0.0, None, None)), Displacement("cut_y0", (None, 0.0, None)), Displacement("cut_z0", (None, None, 0.0))]


@pytest.fixture
def block():
    return box((1000.0, 1000.0, 2000.0), (1, 1, 2), cuts=CUTS)


def wrinkled(block, order):
    problem = pose(block, MATERIAL, [], [], order, None)
    rng = np.random.default_rng(1)
    return problem, rng.normal(scale=0.03, size=3 * problem.space.size), rng.normal(size=3 * problem.space.size)


@pytest.mark.parametrize("order", [1, 2])
def test_force_is_the_gradient_of_energy_and_tangent_that_of_force(block, order):
    problem, u, direction = wrinkled(block, order)
    state, h = deform(problem, u), 1e-6
    ahead, behind = deform(problem, u + h * direction), deform(problem, u - h * direction)
    slope = (energy(problem, ahead) - energy(problem, behind)) / (2 * h)
    assert nodal_force(problem, state) @ direction == pytest.approx(slope, rel=1e-7)
    change = (nodal_force(problem, ahead) - nodal_force(problem, behind)) / (2 * h)
    K = tangent(problem, state)
    assert np.abs(K @ direction - change).max() < 1e-6 * np.abs(change).max()
    assert abs(K - K.T).max() < 1e-9 * abs(K).max()


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("stretch", [0.7, 1.5])
def test_uniaxial_stretch_has_its_closed_form(block, order, stretch):
    moved = Displacement("cut_z1", (None, None, 2.0 * (stretch - 1.0)))
    solution = solve_neo_hookean(block, MATERIAL, displacements=[*PLANES, moved], order=order)
    stress = uniaxial_neo_hookean(*MATERIAL.lame, [stretch])[0]
    assert solution.reactions["cut_z1"][2] == pytest.approx(stress, rel=1e-8)
    assert solution.strain[:, 2, 2] == pytest.approx(np.full(len(block.tets), (stretch**2 - 1) / 2))
    side = np.sqrt(1.0 + 2.0 * solution.strain[0, 0, 0])
    assert solution.stress[:, 2, 2] == pytest.approx(np.full(len(block.tets), stress / side**2))
    assert solution.stress[:, 0, 0] == pytest.approx(np.zeros(len(block.tets)), abs=1e-6)


def test_the_force_that_belongs_to_a_stretch_stretches_so_far(block):
    stress = float(uniaxial_neo_hookean(*MATERIAL.lame, [1.3])[0])
    solution = solve_neo_hookean(block, MATERIAL, displacements=PLANES, loads=[Traction("cut_z1", (0.0, 0.0, stress))], steps=2)
    assert solution.displacement[:, 2].max() == pytest.approx(0.6, rel=1e-8)
    assert solution.loads["cut_z1"][2] == pytest.approx(stress)
    assert solution.imbalance < 1e-8


def sheared(size):
    return [Displacement("cut_z0"), Displacement("cut_z1", (size, 0.0, 0.0))]


def test_newton_converges_quadratically(block):
    solution = solve_neo_hookean(block, MATERIAL, displacements=sheared(0.6), order=1)
    (step,) = solution.history
    tail = [r for r in step.residuals[1:] if 1e-13 < r < 0.1]
    assert len(tail) >= 2
    for before, after in zip(tail, tail[1:], strict=False):
        assert after < 5.0 * before**2 + 1e-13


def test_small_strain_is_hookes(block):
    gaps = []
    for size in (0.02, 0.01):
        linear = solve_elastic(block, MATERIAL, displacements=sheared(size), order=1)
        neo = solve_neo_hookean(block, MATERIAL, displacements=sheared(size), order=1)
        gaps.append(abs(neo.reactions["cut_z1"][2] - linear.reactions["cut_z1"][2]))
        assert neo.reactions["cut_z1"][0] == pytest.approx(linear.reactions["cut_z1"][0], rel=size)
    assert np.log2(gaps[0] / gaps[1]) == pytest.approx(2.0, abs=0.2)


def test_a_rotation_costs_nothing(block):
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle), 0.0], [np.sin(angle), np.cos(angle), 0.0], [0.0, 0.0, 1.0]])
    names = [f"cut_{cut}" for cut in CUTS] + ["membrane"]
    held = [Displacement(name, lambda p: p @ (turn - np.eye(3)).T) for name in names]
    solution = solve_neo_hookean(block, MATERIAL, displacements=held, order=2)
    assert solution.energy == pytest.approx(0.0, abs=1e-8)
    assert solution.stress == pytest.approx(np.zeros_like(solution.stress), abs=1e-6)


def test_steps_that_fail_are_halved_and_the_answer_is_that_of_small_steps(block):
    far = [Displacement("cut_z0"), Displacement("cut_z1", (0.0, 0.0, 6.0))]
    whole = solve_neo_hookean(block, MATERIAL, displacements=far, order=1)
    small = solve_neo_hookean(block, MATERIAL, displacements=far, order=1, steps=8)
    assert len(whole.history) > 1
    assert whole.nodal == pytest.approx(small.nodal, abs=1e-7)


def test_pushing_through_the_floor_stops_with_the_last_good_state(block):
    with pytest.raises(LoadStepError, match=r"stop at \d+(\.\d+)? %") as stopped:
        solve_neo_hookean(block, MATERIAL, displacements=[Displacement("cut_z0"), Displacement("cut_z1", (0.0, 0.0, -2.2))], order=1)
    last = stopped.value.solution
    assert 0.5 < last.history[-1].fraction < 1.0
    assert last.displacement[:, 2].min() == pytest.approx(-2.2 * last.history[-1].fraction)
    assert last.imbalance < 1e-8


def test_free_rotations_are_refused(block):
    with pytest.raises(SimulationError, match="leave 3 rigid motions free"):
        solve_neo_hookean(block, MATERIAL, displacements=[Displacement("cut_z0", (None, None, 0.0))])


def test_no_step_is_refused(block):
    with pytest.raises(SimulationError, match="steps is 0"):
        solve_neo_hookean(block, MATERIAL, displacements=PLANES, steps=0)
