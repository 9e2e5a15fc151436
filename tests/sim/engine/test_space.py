"""Closed-form matrices against scikit-fem's quadrature."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.analytic import boundary
from cellml.sim.engine.space import Space
from cellml.sim.verification.balls import icosahedral_ball


@pytest.fixture(scope="module")
def mesh():
    """A ball with points that are shaken, so that no two tetrahedra are alike."""
    ball = icosahedral_ball(1000.0, 3)
    shake = np.random.default_rng(0).normal(0.0, 15.0, ball.points.shape)
    return ball.points * 1e-3 + shake * 1e-3, ball.tets


def difference(ours, theirs) -> float:
    return float(np.abs((ours - theirs).toarray()).max() / np.abs(theirs.toarray()).max())


def test_bulk_matrices_are_those_of_scikit_fem(mesh):
    from skfem import Basis, ElementTetP1, MeshTet
    from skfem.models.poisson import laplace, mass

    points, tets = mesh
    space = Space(points, tets)
    basis = Basis(MeshTet(points.T.copy(), tets.T.copy()), ElementTetP1())
    assert difference(space.mass, mass.assemble(basis)) < 1e-13
    assert difference(space.stiffness, laplace.assemble(basis)) < 1e-13
    assert np.abs(space.weights - mass.assemble(basis) @ np.ones(len(points))).max() < 1e-13 * space.weights.max()


def test_surface_matrices_are_those_of_scikit_fem(mesh):
    """scikit-fem knows no surface gradients here: its gradients in the tetrahedra behind, without their normal part, are the same."""
    from skfem import BilinearForm, ElementTetP1, FacetBasis, MeshTet
    from skfem.helpers import dot, grad

    points, tets = mesh
    facets = boundary(tets)
    space = Space(points, facets)
    basis = FacetBasis(MeshTet(points.T.copy(), tets.T.copy()), ElementTetP1())

    @BilinearForm
    def mass(u, v, w):
        return u * v

    @BilinearForm
    def tangential(u, v, w):
        return dot(grad(u), grad(v)) - dot(grad(u), w.n) * dot(grad(v), w.n)

    at = np.ix_(space.nodes, space.nodes)
    assert difference(space.mass, mass.assemble(basis).tocsr()[at]) < 1e-13
    # Points inside are corners of those tetrahedra too, so that only entries of the surface compare.
    theirs = tangential.assemble(basis).tocsr()[at]
    assert difference(space.stiffness, theirs) < 1e-12


@pytest.mark.parametrize("surface", [False, True])
def test_energy_of_a_linear_function_is_its_squared_gradient(mesh, surface):
    points, tets = mesh
    space = Space(points, boundary(tets) if surface else tets)
    slope = np.array([0.3, -1.2, 0.7])
    squared = np.full(len(space.cells), slope @ slope)
    if surface:
        a, b, c = (space.coordinates[space.cells[:, i]] for i in range(3))
        normal = np.cross(b - a, c - a)
        squared -= (normal @ slope) ** 2 / (normal**2).sum(axis=1)
    u = space.coordinates @ slope
    assert u @ (space.stiffness @ u) == pytest.approx(float(space.sizes @ squared), rel=1e-12)
    assert np.abs(space.stiffness @ np.ones(len(u))).max() < 1e-14 * space.stiffness.max()


def test_edges_are_found_whatever_the_order_of_cells_and_corners(mesh):
    """More cells than one chunk has, shuffled, against the plain sum of cell matrices."""
    ball, rng = icosahedral_ball(1000.0, 8), np.random.default_rng(0)
    tets = rng.permutation(ball.tets)[:, [1, 2, 0, 3]]
    shuffled, plain = Space(ball.points * 1e-3, tets), Space(ball.points * 1e-3, ball.tets)
    assert difference(shuffled.stiffness, plain.stiffness) < 1e-13
    dense = np.zeros((len(plain.nodes),) * 2)
    for cell, size in zip(plain.cells, plain.sizes, strict=True):
        dense[np.ix_(cell, cell)] += size / 20.0 * (np.ones((4, 4)) + np.eye(4))
    assert np.abs(shuffled.mass.toarray() - dense).max() < 1e-13 * dense.max()


def test_a_space_numbers_its_own_points_only(mesh):
    points, tets = mesh
    space = Space(points, tets[:7])
    assert (points[space.nodes][space.cells] == points[tets[:7]]).all()
    assert space.local(np.array([space.nodes[3]])) == [3]
    stranger = np.setdiff1d(np.arange(len(points)), space.nodes)
    assert (space.local(stranger) == -1).all()
    assert space.measure == pytest.approx(space.weights.sum(), rel=1e-14)
