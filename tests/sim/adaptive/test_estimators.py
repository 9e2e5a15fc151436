from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.adaptive.bubbles import Bubbles
from cellml.sim.adaptive.edges import TET_EDGES
from cellml.sim.adaptive.elements import Elements
from cellml.sim.adaptive.problem import Exchange, SteadyProblem
from cellml.sim.adaptive.quadrature import TET_POINTS, TET_WEIGHTS, TRIANGLE_POINTS, TRIANGLE_WEIGHTS
from cellml.sim.adaptive.residual import residual_indicators
from cellml.sim.adaptive.solution import solve
from cellml.sim.analytic import box
from cellml.sim.errors import SimulationError
from cellml.types import TetMesh


def two_halves(cells: int = 2) -> TetMesh:
    """A unit cube (µm) with regions left and right of x = ½, membrane cut at x0 and x1."""
    mesh = box((1000.0, 1000.0, 1000.0), (2 * cells, cells, cells), cuts=("x0", "x1"))
    left = mesh.points[mesh.tets][:, :, 0].mean(axis=1) < 500.0
    return TetMesh(mesh.points, mesh.tets, np.where(left, 1, 2), {1: "left", 2: "right"}, mesh.facets, mesh.facet_tags, mesh.facet_names)


@pytest.mark.parametrize("powers", [(0, 0, 0), (1, 2, 0), (2, 2, 1), (0, 5, 0)])
def test_quadrature_is_exact_to_degree_five(powers):
    from math import factorial

    exact = 6.0 * np.prod([factorial(p) for p in powers]) / factorial(3 + sum(powers))
    assert TET_WEIGHTS @ np.prod(TET_POINTS[:, 1:] ** powers, axis=1) == pytest.approx(exact, rel=1e-13)
    a, b = powers[:2]
    exact = 2.0 * factorial(a) * factorial(b) / factorial(2 + a + b)
    assert TRIANGLE_WEIGHTS @ (TRIANGLE_POINTS[:, 1] ** a * TRIANGLE_POINTS[:, 2] ** b) == pytest.approx(exact, rel=1e-13)


def test_piecewise_linear_solutions_are_exact_and_have_no_residual():
    """D jumps at x = ½: the flux is continuous, the gradient is not; Robin at one end, a value at the other."""
    problem = SteadyProblem(
        diffusion={"left": 1.0, "right": 4.0}, values={"cut_x0": 2.0}, exchange={"cut_x1": Exchange(permeability=3.0, flux=12.0)}
    )
    solved = solve(two_halves(), problem)
    # u = 2 + J x on the left, then J/4; J + 3 u(1) = 12 gives u(1) = 2 + 5 J / 8 and J = 6 / (1 + 15/8).
    J, x = 6.0 / 2.875, solved.mesh.points[:, 0] * 1e-3
    np.testing.assert_allclose(solved.u, 2.0 + np.where(x < 0.5, J * x, J / 2 + J / 4 * (x - 0.5)), atol=1e-9)
    assert residual_indicators(solved).total < 1e-8


def test_indicators_of_one_tetrahedron_by_hand():
    corners = np.array([[0.0, 0, 0], [1000, 0, 0], [0, 1000, 0], [0, 0, 1000]])
    facets = np.array([[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]])
    mesh = TetMesh(
        corners, np.array([[0, 1, 2, 3]]), np.ones(1), {1: "cell"}, facets, np.array([1, 2, 3, 4]), {1: "far", 2: "x", 3: "y", 4: "z"}
    )
    problem = SteadyProblem(diffusion=2.0, decay=0.0, source=3.0, values={"far": 0.0}, exchange={"x": Exchange(0.0, 5.0)})
    solved = solve(mesh, problem)
    # u = c (1 − x − y − z); the only unknown has D c 3 V = f V / 4 + q A / 3.
    c = (3.0 / 24 + 5.0 / 6) / (2.0 * 0.5)
    assert solved.u[0] == pytest.approx(c)
    indicators = residual_indicators(solved)
    assert indicators.interior[0] == pytest.approx(2.0 / 2.0 * 9.0 / 6.0)  # h² = 2 µm², D = 2, ‖f‖² = 9 V
    missed = [5.0 - 2.0 * c, -2.0 * c, -2.0 * c]  # D ∂ₙu = D c through the three faces
    assert indicators.fluxes[0] == pytest.approx(np.sqrt(2.0) / 2.0 * 0.5 * np.square(missed).sum())
    assert indicators.jumps[0] == 0.0
    assert indicators.values[0] == 0.0


def test_jump_between_two_tetrahedra_by_hand():
    points = np.array([[0.0, 0, 0], [1000, 0, 0], [0, 1000, 0], [0, 0, 1000], [0, 0, -1000]])
    tets = np.array([[0, 1, 2, 3], [0, 2, 1, 4]])
    solved = solve(TetMesh(points, tets, np.ones(2)), SteadyProblem(decay=1e-12))
    from dataclasses import replace

    bent = replace(solved, u=np.array([0.0, 0, 0, 1.0, 0.5]))  # ∂z u = 1 above, −½ below: the fluxes out of both add to −1.5
    indicators = residual_indicators(bent)
    np.testing.assert_allclose(indicators.jumps, 0.5 * np.sqrt(2.0) * 0.5 * 1.5**2, rtol=1e-9)


def test_strong_decay_bounds_the_weights():
    """With κ ≫ D/h², the weight is 1/√κ (Verfürth 1998), and the effectivity stays within the same range."""
    totals = []
    for kappa in (0.0, 1e2, 1e4):
        problem = SteadyProblem(
            decay=kappa, source=lambda x, k=kappa: (k + np.pi**2) * np.sin(np.pi * x[:, 0]), values={"cut_x0": 0.0, "cut_x1": 0.0}
        )
        solved = solve(two_halves(4), problem)
        exact = 0.5 * (np.pi**2 + kappa)
        totals.append(residual_indicators(solved).total / np.sqrt(exact - solved.energy))
    assert max(totals) < 12
    assert min(totals) > 1


def test_bubbles_against_a_quadrature_twin():
    problem = SteadyProblem(diffusion=2.0, decay=3.0, source=lambda x: 1 + x[:, 0], exchange={"cut_x1": Exchange(0.7, 0.2)})
    elements = Elements(two_halves(1), problem)
    bubbles = Bubbles(elements)
    rng = np.random.default_rng(0)
    v, w = rng.normal(size=(2, bubbles.size))
    count = len(elements.mesh.points)

    def at(coefficients):
        nodal, edge = coefficients[elements.mesh.tets], coefficients[count:][bubbles.numbers]
        i, j = TET_EDGES.T
        b = 4 * TET_POINTS[:, i] * TET_POINTS[:, j]
        values = nodal @ TET_POINTS.T + edge @ b.T
        slopes = np.einsum("ti,tik->tk", nodal, elements.gradients)[:, None] + 4 * np.einsum(
            "te,qetk->tqk",
            edge,
            TET_POINTS[:, i][:, :, None, None] * elements.gradients[:, j].transpose(1, 0, 2)[None]
            + TET_POINTS[:, j][:, :, None, None] * elements.gradients[:, i].transpose(1, 0, 2)[None],
        )
        return values, slopes

    (v0, v1), (w0, w1) = at(v), at(w)
    volume = elements.volumes[:, None] * TET_WEIGHTS
    bulk = float((volume * (2.0 * (v1 * w1).sum(axis=2) + 3.0 * v0 * w0)).sum())
    without = SteadyProblem(diffusion=2.0, decay=3.0)
    assert v @ (Bubbles(Elements(elements.mesh, without)).matrix @ w) == pytest.approx(bulk, rel=1e-12)
    assert abs(bubbles.matrix - bubbles.matrix.T).max() < 1e-12
    # On P1 functions both spaces agree, boundary terms included.
    np.testing.assert_allclose((bubbles.matrix[:count, :count] - elements.matrix).toarray(), 0, atol=1e-13)
    np.testing.assert_allclose(bubbles.load[:count], elements.load, rtol=1e-13)
    points = np.einsum("qi,tij->tqj", TET_POINTS, elements.mesh.points[elements.mesh.tets]) * 1e-3
    plain = Bubbles(Elements(elements.mesh, SteadyProblem(source=problem.source)))
    assert plain.load @ v == pytest.approx(float((volume * (1 + points[:, :, 0]) * v0).sum()), rel=1e-12)


def test_refusals_say_what_is_wrong():
    mesh = two_halves(1)
    with pytest.raises(SimulationError, match="leaves the level of u open"):
        solve(mesh, SteadyProblem(source=1.0))
    with pytest.raises(SimulationError, match="no facets named 'door'"):
        solve(mesh, SteadyProblem(values={"door": 0.0}))
    with pytest.raises(SimulationError, match="Region 'right'"):
        solve(mesh, SteadyProblem(diffusion={"left": 1.0}, values={"cut_x0": 0.0}))
    with pytest.raises(SimulationError, match="D must be positive"):
        solve(mesh, SteadyProblem(diffusion=-1.0, values={"cut_x0": 0.0}))
    with pytest.raises(SimulationError, match="not finite at"):
        solve(mesh, SteadyProblem(source=lambda x: np.full(len(x), np.nan), values={"cut_x0": 0.0}))
