from __future__ import annotations

import numpy as np
import pytest
import torch

from cellml.sim.adaptive.bisection import Bisection, bisect
from cellml.sim.adaptive.learned import ErrorNetwork, Example, LearnedIndicator, deviation, example, features, fit, neighbours
from cellml.sim.adaptive.problem import SteadyProblem
from cellml.sim.adaptive.reference import local_errors, quadratic_energy
from cellml.sim.adaptive.residual import residual_indicators
from cellml.sim.adaptive.solution import Solved, solve
from cellml.sim.analytic import box
from cellml.types import TetMesh


@pytest.fixture(scope="module")
def solved() -> Solved:
    state = Bisection.of(box((1000.0, 1000.0, 1000.0), (3, 3, 3)))
    state = bisect(state, np.random.default_rng(0).random(len(state.mesh.tets)) < 0.2).bisection
    problem = SteadyProblem(source=lambda x: 3 * np.pi**2 * np.sin(np.pi * x).prod(axis=1), values={"membrane": 0.0})
    return solve(state.mesh, problem)


def test_local_errors_add_up_to_the_true_error(solved):
    exact = 3 * np.pi**2 / 8
    assert local_errors(solved).sum() == pytest.approx(exact - solved.energy, rel=0.01)
    assert quadratic_energy(solved) == pytest.approx(exact, rel=0.02)


def test_neighbours_share_three_corners(solved):
    tets, faces = solved.mesh.tets, solved.elements.faces
    near = neighbours(faces.sides, faces.numbers)
    for t in range(0, len(tets), 17):
        for i, other in enumerate(near[t]):
            if other >= 0:
                assert set(np.delete(tets[t], i)) <= set(tets[other])


def test_features_do_not_depend_on_units_or_strength(solved):
    """The same problem with all lengths doubled, D × 3 and f × 7 gives the same features."""
    mesh = solved.mesh
    large = TetMesh(2 * mesh.points, mesh.tets, mesh.regions, {}, mesh.facets, mesh.facet_tags, mesh.facet_names)
    source = solved.elements.problem.source
    twin = solve(large, SteadyProblem(diffusion=3.0, source=lambda x: 7 * source(x / 2), values={"membrane": 0.0}))
    np.testing.assert_allclose(features(twin, residual_indicators(twin)), features(solved, residual_indicators(solved)), atol=1e-6)


def test_a_network_learns_a_correction_that_is_there_and_marking_sees_it(solved):
    made = example(solved, local_errors(solved))
    hidden = Example(made.features, 0.8 * made.features[:, 20] + 3.0, made.share)
    torch.manual_seed(0)
    network = ErrorNetwork(16)
    history = fit(network, [hidden], epochs=120, rate=1e-2)
    assert history[-1] < 0.05 * history[0]
    indicator = LearnedIndicator(network.eval())(solved)
    correction = np.log(indicator / residual_indicators(solved).squared)
    assert np.corrcoef(correction, hidden.target)[0, 1] > 0.95


def test_a_common_factor_costs_nothing():
    target, weight = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0.5, 0.25, 0.25])
    assert deviation(target + 5.0, target, weight).item() == pytest.approx(0.0, abs=1e-10)
    # Deviations 0, 1, −1 with these weights: mean 0, variance ½.
    assert deviation(target + torch.tensor([0.0, 1.0, -1.0]), target, weight).item() == pytest.approx(0.5)
