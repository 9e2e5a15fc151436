"""All ways to solve a linear system give one answer."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from cellml.sim.engine.linear import Direct, Iterative, LinearSolveError, conjugate_gradients, expected_iterations, prepare
from cellml.sim.engine.space import Space
from cellml.sim.errors import SimulationError
from cellml.sim.verification.balls import icosahedral_ball


@pytest.fixture(scope="module")
def space():
    mesh = icosahedral_ball(1000.0, 4)
    return Space(mesh.points * 1e-3, mesh.tets)


def matrices(space, symmetric):
    matrix = (space.mass + 0.05 * space.stiffness).tocsr()
    if not symmetric:  # a reaction that depends on where it is
        from scipy.sparse import diags_array

        matrix = (matrix + 0.3 * space.mass @ diags_array(1.0 + space.coordinates[:, 0])).tocsr()
    return matrix


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("solver", ["auto", "direct", "cg", "amg", "pardiso"])
def test_solvers_agree_with_dense_algebra(space, solver, symmetric):
    pytest.importorskip({"amg": "pyamg", "pardiso": "pypardiso"}.get(solver, "scipy"))
    matrix, b = matrices(space, symmetric), np.random.default_rng(0).normal(size=len(space.nodes))
    prepared = prepare(matrix, solver, symmetric=symmetric)
    exact, transposed = np.linalg.solve(matrix.toarray(), b), np.linalg.solve(matrix.toarray().T, b)
    assert np.abs(prepared.solve(b) - exact).max() < 1e-9 * np.abs(exact).max()
    assert np.abs(prepared.solve_transposed(b) - transposed).max() < 1e-9 * np.abs(transposed).max()


@pytest.mark.parametrize("scale", [1e-25, 1e25])
@pytest.mark.parametrize("symmetric", [True, False])
def test_right_sides_of_any_size_are_solved_as_well(space, symmetric, scale):
    matrix, b = matrices(space, symmetric), np.random.default_rng(0).normal(size=len(space.nodes))
    prepared = prepare(matrix, "cg", symmetric=symmetric)
    assert prepared.solve(scale * b) / scale == pytest.approx(prepared.solve(b), rel=1e-9)
    assert (prepared.solve(0.0 * b) == 0.0).all()


def test_iterations_stop_where_the_residual_is_small_enough(space):
    matrix, b = matrices(space, True), np.random.default_rng(0).normal(size=len(space.nodes))
    prepared = prepare(matrix, "cg", symmetric=True)
    left = [np.linalg.norm(b - matrix @ prepared.solve(b, enough=enough)) for enough in (1e-2, 1e-6)]
    assert 1e-6 < left[0] <= 1e-2
    assert 1e-12 < left[1] <= 1e-6
    assert (prepared.solve(b, enough=1e9) == 0.0).all()


def test_solutions_before_save_iterations(space, monkeypatch):
    """Decaying steps: the same answers from fewer iterations."""
    matrix, counts, answers = matrices(space, True), [], []
    inverse = 1.0 / matrix.diagonal()
    for memory in (True, False):
        calls: list[int] = []
        prepared, y = Iterative(matrix, True, lambda r, calls=calls: (calls.append(1), inverse * r)[1]), space.coordinates[:, 0] ** 2
        if not memory:
            monkeypatch.setattr("cellml.sim.engine.previous.Previous.remember", lambda self, x: None)
        for _ in range(20):
            y = prepared.solve(space.mass @ y)
        counts.append(len(calls))
        answers.append(y)
    assert counts[0] < 0.8 * counts[1]
    assert answers[0] == pytest.approx(answers[1], rel=1e-8)


def test_auto_takes_iterations_for_short_steps_and_a_factor_for_long_ones(space):
    short, long = space.mass + 1e-5 * space.stiffness, space.mass + 10.0 * space.stiffness
    assert isinstance(prepare(short, symmetric=True), Iterative)
    assert isinstance(prepare(long, symmetric=True), Direct)
    assert isinstance(prepare(short, symmetric=False), Direct)
    # The estimate against what is needed for six digits.
    calls: list[int] = []
    matrix = (space.mass + 0.01 * space.stiffness).tocsr()
    inverse = 1.0 / matrix.diagonal()
    conjugate_gradients(matrix, space.coordinates[:, 0] ** 3, lambda r: (calls.append(1), inverse * r)[1], 1e-6)
    assert 0.5 * len(calls) < expected_iterations(matrix) < 4 * len(calls)


@pytest.mark.parametrize("package", ["pyamg", "pypardiso"])
def test_a_missing_package_is_named(space, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SimulationError, match=rf"needs the package {package}: pip install"):
        prepare(space.mass, {"pyamg": "amg", "pypardiso": "pardiso"}[package], symmetric=True)


def test_an_unknown_solver_and_a_singular_matrix_are_refused(space):
    with pytest.raises(SimulationError, match="'lu' is not a solver; there are auto, direct"):
        prepare(space.mass, "lu", symmetric=True)
    with pytest.raises(LinearSolveError, match="singular"):
        prepare(0.0 * space.mass, "direct", symmetric=True)
    with pytest.raises(LinearSolveError, match="stopped at a residual of nan"):
        prepare(-1.0 * space.mass + 0.02 * space.stiffness, "cg", symmetric=False).solve(np.full(len(space.nodes), np.nan))
