from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.adaptive.cases import escape_case, l_shape_case, prism_case
from cellml.sim.adaptive.corner import corner_prism, singular
from cellml.sim.adaptive.loop import Known, Stop, adapt, projecting
from cellml.sim.adaptive.problem import Exchange, Goal, SteadyProblem
from cellml.sim.analytic import ball, box
from cellml.sim.errors import SimulationError

CUBE = SteadyProblem(source=lambda x: 3 * np.pi**2 * np.prod(np.sin(np.pi * x), axis=1), values={"membrane": 0.0})


def cube_error(solved) -> float:
    return float(np.sqrt(3 * np.pi**2 / 8 - solved.energy))


def test_l_shape_rates():
    case = l_shape_case(unknowns=3_000)
    assert case.uniform_rate == pytest.approx(1 / 3, abs=0.025)
    assert case.adaptive_rate >= 0.49
    low, high = case.effectivity
    assert 2.7 < low < high < 3.9


def test_prism_rates():
    case = prism_case(unknowns=8_000, least=200)
    assert case.uniform_rate == pytest.approx(2 / 9, abs=0.02)
    assert case.adaptive_rate >= 0.32
    low, high = case.effectivity
    assert 3.0 < low < high < 3.9


def test_narrow_escape_agrees_with_the_formula():
    """Coarse, and within 2 %; the study measures finer meshes."""
    case = escape_case(0.2, unknowns=2_000, refinements=3)
    assert abs(case.error) < 0.025
    assert abs(case.error) < 0.5 * abs(case.time / case.formula - 1)


def test_goal_error_is_estimated_to_a_few_percent():
    known = Known(error=cube_error, goal=8 / np.pi**3)
    result = adapt(box((1e3, 1e3, 1e3), (4, 4, 4)), CUBE, goal=Goal(1.0), stop=Stop(unknowns=800), known=known)
    assert all(0.95 < row.goal_effectivity < 1.02 for row in result.rows)
    assert abs(result.goal.improved - 8 / np.pi**3) < 0.05 * abs(result.rows[-1].goal_truth)


def test_goal_weights_refine_where_the_goal_is():
    """The mean concentration on one far side of the prism: the dual weighted residual needs fewer unknowns than the energy estimator."""
    problem = SteadyProblem(source=1.0, values={"sides": 0.0}, exchange={"ends": Exchange(0.0, 0.0)})
    goal = Goal(density=lambda x: 1.0 * (np.linalg.norm(x - [-0.7, -0.7, 0.5], axis=1) < 0.25))
    reference = adapt(corner_prism(2), problem, goal=goal, stop=Stop(unknowns=2_500), bisections=2).goal.improved
    by_goal = adapt(corner_prism(2), problem, goal=goal, stop=Stop(unknowns=500), known=Known(goal=reference))
    row = by_goal.rows[-1]
    assert 0.7 < row.goal_effectivity < 1.2
    centre = by_goal.mesh.points[by_goal.mesh.tets].mean(axis=1)
    near = np.linalg.norm(centre - [-700.0, -700.0, 500.0], axis=1) < 300.0
    size = np.cbrt(by_goal.mesh.volumes())
    assert np.median(size[near]) < 0.8 * np.median(size[centre[:, 0] > 300.0])


def test_stops_for_each_reason():
    mesh = box((1e3, 1e3, 1e3), (3, 3, 3))
    assert adapt(mesh, CUBE, stop=Stop(tolerance=4.5)).reason == "tolerance"
    assert adapt(mesh, CUBE, stop=Stop(turns=2)).reason == "turns"
    assert adapt(mesh, CUBE, stop=Stop(unknowns=60)).reason == "unknowns"
    assert adapt(mesh, SteadyProblem(values={"membrane": 0.0})).reason in ("exact", "tolerance")
    with pytest.raises(SimulationError, match="bisections=0"):
        adapt(mesh, CUBE, bisections=0)


def test_boundary_follows_the_ball():
    """−Δu = 1 with u = 0 on the unit sphere: mean u = R²/15; straight-sided meshes that stay inside the ball miss it for good."""

    def distance(points):
        radius = np.linalg.norm(points, axis=1)
        return radius - 1000.0, points / radius[:, None]

    problem, stop = SteadyProblem(source=1.0, values={"membrane": 0.0}), Stop(unknowns=1000)
    exact = 4 * np.pi / 45
    follows = adapt(ball(1000.0, 2), problem, goal=Goal(1.0), stop=stop, refine=projecting(distance))
    stays = adapt(ball(1000.0, 2), problem, goal=Goal(1.0), stop=stop)
    assert abs(follows.goal.improved - exact) < 0.05 * exact
    assert abs(stays.goal.improved - exact) > 0.08 * exact


def test_the_singular_function_is_zero_on_both_legs():
    np.testing.assert_allclose(singular(np.array([[0.5, 0.0, 0.0], [0.0, -0.5, 0.0], [0.0, 0.0, 0.3]])), 0.0, atol=1e-12)
    assert singular(np.array([[-1.0, 1.0, 0.0]]))[0] == pytest.approx(2 ** (1 / 3) * np.sin(np.pi / 2))
