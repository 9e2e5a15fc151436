"""The cheap distance to P2 against P2 itself, assembled and solved directly by scikit-fem."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse.linalg import eigsh
from skfem import Basis, ElementTetP2, condense, solve
from skfem.models.poisson import laplace, mass, unit_load

from cellml.sim.analytic import ball
from cellml.sim.conductance import shape_factor
from cellml.sim.domain import Domain
from cellml.sim.enrichment import Enrichment
from cellml.sim.first_passage import first_passage_time
from cellml.sim.relaxation import relaxation_time


@pytest.fixture
def case(bend):
    domain = Domain(bend(2))
    return domain, Enrichment(domain), Basis(domain.fem_mesh, ElementTetP2())


def test_shape_factor_is_that_of_quadratic_elements(case, nodes_of):
    domain, enrichment, basis = case
    ours = shape_factor(domain, enrichment, nodes_of(domain, "cut_x1"), nodes_of(domain, "cut_y1"))
    source, sink = basis.get_dofs(_facets_at(basis, 0, 2.0)), basis.get_dofs(_facets_at(basis, 1, 2.0))
    A, u = laplace.assemble(basis), np.zeros(basis.N)
    u[source.flatten()] = 1.0
    u = solve(*condense(A, np.zeros(basis.N), x=u, D=np.union1d(source.flatten(), sink.flatten())))
    assert ours.value == pytest.approx(u @ A @ u, rel=1e-6)


def test_first_passage_time_is_that_of_quadratic_elements(case, nodes_of):
    domain, enrichment, basis = case
    ours = first_passage_time(domain, enrichment, 2.0, nodes_of(domain, "cut_x1"))
    A, f = laplace.assemble(basis), unit_load.assemble(basis)
    t = solve(*condense(2.0 * A, f, D=basis.get_dofs(_facets_at(basis, 0, 2.0))))
    assert ours.value == pytest.approx(f @ t / domain.volume, rel=1e-6)


def test_relaxation_time_lies_between_linear_and_quadratic_elements(case):
    domain, enrichment, basis = case
    ours = relaxation_time(domain, enrichment, 1.0)
    quadratic = 1.0 / eigsh(laplace.assemble(basis), k=2, M=mass.assemble(basis), sigma=-0.1)[0].max()
    linear = 1.0 / eigsh(domain.stiffness, k=2, M=domain.mass, sigma=-0.1)[0].max()
    assert linear < ours.value <= quadratic * (1 + 1e-6)
    assert quadratic - ours.value < 0.15 * (quadratic - linear)


def test_a_linear_solution_has_nothing_to_gain():
    domain = Domain(ball(1000.0, 1))
    u = domain.coordinates @ np.array([1.0, 2.0, -0.5])
    enrichment = Enrichment(domain)
    inner = np.setdiff1d(np.arange(len(u)), domain.local(domain.mesh.facets))
    K = domain.stiffness[inner][:, inner].toarray()
    residual = enrichment.edge_residual(u)
    assert enrichment.energy(residual, lambda r: np.linalg.solve(K, r), inner, domain.local(domain.mesh.facets)) < 1e-25


def test_edge_residual_of_a_density_integrates_it_against_the_bubbles():
    domain = Domain(ball(1000.0, 1))
    tets = np.searchsorted(domain.nodes, domain.mesh.tets)
    density = domain.coordinates[:, 0] + 2.0
    enrichment = Enrichment(domain)
    number = {tuple(edge): k for k, edge in enumerate(enrichment.edges.tolist())}
    expected = np.zeros(len(number))
    for tet, volume in zip(tets, domain.mesh.volumes() * 1e-9, strict=True):
        for i in range(4):
            for j in range(i):  # ∫ 4 λ_i λ_j Σ_k ρ_k λ_k = V/30 (Σ_k ρ_k + ρ_i + ρ_j)
                edge = number[tuple(sorted((int(tet[i]), int(tet[j]))))]
                expected[edge] += volume / 30 * (density[tet].sum() + density[tet[i]] + density[tet[j]])
    residual = enrichment.edge_residual(np.zeros(len(density)), density)
    assert np.abs(residual - expected).max() <= 1e-13 * np.abs(expected).max()


def _facets_at(basis, axis, position):
    return basis.mesh.facets_satisfying(lambda x: np.isclose(x[axis], position), boundaries_only=True)
