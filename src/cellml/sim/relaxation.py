"""The slowest relaxation inside a sealed shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.sim.direct import Solve, factorise
from cellml.sim.domain import Domain
from cellml.sim.enrichment import Enrichment
from cellml.sim.estimate import Estimate

# Lanczos starts from the same vector in every run, so that the digits repeat.
_START_SEED = 0


def relaxation_time(domain: Domain, enrichment: Enrichment, D: float) -> Estimate:
    """τ₁ = 1 / (D λ₁): the time in which the slowest inhomogeneity decays by e, with a sealed membrane.

    λ₁ is the smallest non-zero eigenvalue of −∇²u = λu, ∂ₙu = 0: on P1 elements (K u = λ M u) by shift-inverted Lanczos, then raised to P2
    by one inverse iteration from the P1 mode, w = u + d, whose Rayleigh quotient is λ (1 + ε) / (1 + 2ε) with ε = ‖d‖² / (λ uᵀM u) (the
    two-grid scheme of Xu & Zhou 2001). Refinement only lowers λ₁, so that τ₁ is approached from below.

    D in µm²/s. Returns seconds; the field is the P1 mode, scaled to a largest magnitude of 1 that is positive. The mesh must be one piece.
    """
    eigenvalue, mode, solve = slowest_mode(domain)
    mass = float(mode @ (domain.mass @ mode))
    residual = enrichment.edge_residual(mode, density=eigenvalue * mode)
    epsilon = enrichment.energy(residual, solve, np.arange(len(mode)), np.zeros((0, 3), np.int64)) / (eigenvalue * mass)
    linear = 1.0 / (D * eigenvalue)
    return Estimate.between(linear, linear * (1.0 + 2.0 * epsilon) / (1.0 + epsilon), mode)


def slowest_mode(domain: Domain) -> tuple[float, NDArray[np.float64], Solve]:
    """λ₁ in 1/µm² on P1 elements, its mode at the nodes (N,), with a largest magnitude of 1 that is positive, and the solver of the shifted
    system that found it.
    """
    from scipy.sparse.linalg import LinearOperator, eigsh

    K, M = domain.stiffness, domain.mass
    shift = 0.1 * (np.pi / domain.extent()) ** 2  # near λ₁ of a straight rod of that length; K alone is singular
    solve = factorise(K + shift * M)
    inverse = LinearOperator(K.shape, matvec=solve, dtype=np.float64)
    start = np.random.default_rng(_START_SEED).standard_normal(K.shape[0])
    eigenvalues, modes = eigsh(K, k=2, M=M, sigma=-shift, OPinv=inverse, v0=start, tol=1e-12)
    mode = modes[:, eigenvalues.argmax()]
    mode = mode / mode[np.abs(mode).argmax()]
    return float(mode @ (K @ mode)) / float(mode @ (M @ mode)), mode, solve
