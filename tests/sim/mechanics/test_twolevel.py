from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.analytic import box
from cellml.sim.direct import factorise
from cellml.sim.errors import SimulationError
from cellml.sim.flow import Convection, Velocity, solve_heat, solve_stokes
from cellml.sim.mechanics import Displacement, Elastic, solve_elastic, solve_neo_hookean, twolevel
from cellml.sim.mechanics.assembly import isotropic_stiffness
from cellml.sim.mechanics.cases import lame_solution
from cellml.sim.mechanics.problem import pose
from cellml.sim.mechanics.spheres import hollow_octant


def system(n, poisson):
    planes = [Displacement("x0", (0.0, None, None)), Displacement("y0", (None, 0.0, None)), Displacement("z0", (None, None, 0.0))]
    problem = pose(hollow_octant((1000.0, 2000.0), n, (n // 2,)), Elastic(1000.0, poisson), planes, [], 2, None)
    K = isotropic_stiffness(problem.space, problem.space.gradients, problem.lam, problem.mu, problem.mu)
    free = np.setdiff1d(np.arange(K.shape[0]), problem.held.dofs)
    return problem.space, K, free


def iterations(n, poisson):
    space, K, free = system(n, poisson)
    A, b = K[free][:, free].tocsr(), np.random.default_rng(0).normal(size=len(free))
    precondition, calls = twolevel.two_level(A, twolevel.coarse_to_fine(space, free)), []

    def counted(r):
        calls.append(1)
        return precondition(r)

    x = twolevel.conjugate_gradients(A, b, counted, 1e-10)
    assert x == pytest.approx(factorise(A)(b), abs=1e-7 * np.abs(x).max())
    return len(calls)


def test_iterations_stay_few_as_the_mesh_grows():
    few, more = iterations(4, 0.3), iterations(8, 0.3)
    assert few < 30 and more < 30
    assert iterations(4, 0.49) < 100


def test_the_coarse_space_holds_linear_fields():
    space, _, _ = system(4, 0.3)
    whole = twolevel.coarse_to_fine(space, np.arange(3 * space.size))
    assert whole @ space.domain.coordinates.ravel() == pytest.approx(space.nodes.ravel())


def test_solutions_by_conjugate_gradients_are_the_direct_ones(monkeypatch):
    block = box((1000.0, 1000.0, 1000.0), (2, 2, 2), cuts=("z0", "z1"))
    sheared = [Displacement("cut_z0"), Displacement("cut_z1", (0.3, 0.0, 0.0))]
    swirl = [Velocity("membrane"), Velocity("cut_z1", lambda p: np.stack([0 * p[:, 0], p[:, 0] * (1 - p[:, 0]), 0 * p[:, 0]], axis=1))]

    def solutions():
        yield lame_solution(4, Elastic(1000.0, 0.3), order=2, isoparametric=True).nodal
        yield solve_elastic(block, Elastic(1000.0, 0.3), displacements=sheared).nodal
        yield solve_neo_hookean(block, Elastic(1000.0, 0.3), displacements=sheared).nodal
        yield solve_heat(block, 2.0, [Convection("cut_z0", 1.0, 300.0)], sources=1.0, order=2).nodal
        yield solve_stokes(block, 1.0, velocities=swirl).nodal

    direct = list(solutions())
    monkeypatch.setattr(twolevel, "DIRECT", 0)
    for iterated, factored in zip(solutions(), direct, strict=True):
        assert iterated == pytest.approx(factored, abs=1e-7 * np.abs(factored).max())
        assert not np.array_equal(iterated, factored)


def test_a_matrix_that_is_not_positive_is_refused():
    with pytest.raises(SimulationError, match="stop at a residual"):
        twolevel.conjugate_gradients(np.diag([1.0, -1.0]), np.array([1.0, 2.0]), lambda r: r, 1e-10)
