"""The compressible neo-Hookean solid: energy, first Piola–Kirchhoff stress, tangent.

W(F) = μ/2 (tr FᵀF − 3) − μ ln J + λ/2 (ln J)², J = det F, F = I + ∂u/∂X   (Bonet & Wood 2008, eq. 6.27)
P    = ∂W/∂F = μ (F − F⁻ᵀ) + λ ln J F⁻ᵀ
∂P_iJ/∂F_kL = μ δ_ik δ_JL + λ F⁻ᵀ_iJ F⁻ᵀ_kL + (μ − λ ln J) F⁻ᵀ_iL F⁻ᵀ_kJ

At small strain it is Hooke's law with the same λ and μ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cellml.sim.mechanics.assembly import displacement_gradient, internal_force, isotropic_stiffness
from cellml.sim.mechanics.problem import Problem
from cellml.sim.mechanics.solution import ElasticSolution, NewtonStep, tet_mean
from cellml.sim.mechanics.space import Floats


@dataclass(frozen=True, eq=False)
class Deformation:
    """Deformation at the quadrature points: F (T, Q, 3, 3), its transposed inverse F⁻ᵀ, and J = det F (T, Q)."""

    gradient: Floats
    inverse_transpose: Floats
    volume: Floats

    @property
    def log_volume(self) -> Floats:
        """The logarithm ln J, (T, Q)."""
        return np.asarray(np.log(self.volume))


def deform(problem: Problem, u: Floats) -> Deformation | None:
    """The deformation by nodal displacements (3N,) in µm, or None where it turns some point inside out (J ≤ 0) or is not finite."""
    F = displacement_gradient(problem.space, u.reshape(-1, 3)) + np.eye(3)
    volume = np.linalg.det(F)
    if not np.isfinite(volume).all() or volume.min() <= 0.0:
        return None
    return Deformation(F, np.asarray(np.linalg.inv(F).swapaxes(-1, -2), float), np.asarray(volume, float))


def energy(problem: Problem, state: Deformation) -> float:
    """∫ W in pN·µm."""
    squares = (state.gradient**2).sum(axis=(2, 3))
    log = state.log_volume
    return float((problem.space.weights * (problem.mu * (0.5 * (squares - 3.0) - log) + 0.5 * problem.lam * log**2)).sum())


def piola(problem: Problem, state: Deformation) -> Floats:
    """P, (T, Q, 3, 3) in Pa."""
    mu, log = problem.mu[..., None, None], state.log_volume[..., None, None]
    return np.asarray(mu * (state.gradient - state.inverse_transpose) + problem.lam[..., None, None] * log * state.inverse_transpose)


def nodal_force(problem: Problem, state: Deformation) -> Floats:
    """∂(∫W)/∂u, (3N,) in pN."""
    return internal_force(problem.space, piola(problem, state))


def tangent(problem: Problem, state: Deformation) -> Any:
    """∂²(∫W)/∂u², sparse (3N, 3N) in pN/µm."""
    spatial = np.einsum("tqij,tnjq->tniq", state.inverse_transpose, problem.space.gradients, optimize=True)
    cross = problem.mu - problem.lam * state.log_volume
    return isotropic_stiffness(problem.space, np.ascontiguousarray(spatial), problem.lam, problem.mu, cross)


def finished(problem: Problem, u: Floats, fraction: float, history: tuple[NewtonStep, ...]) -> ElasticSolution:
    """The solution at nodal displacements (3N,) under a fraction of the loads; strain is Green–Lagrange's, stress Cauchy's σ = P Fᵀ / J."""
    state = deform(problem, u)
    assert state is not None, "Newton's iteration accepts no state that is turned inside out"
    F = state.gradient
    strain = 0.5 * (F.swapaxes(-1, -2) @ F - np.eye(3))
    stress = piola(problem, state) @ F.swapaxes(-1, -2) / state.volume[..., None, None]
    rest = nodal_force(problem, state) - fraction * problem.force
    scale = max(float(np.abs(rest).max()), float(np.abs(problem.force).max()) * abs(fraction), 1e-300)
    return ElasticSolution(
        space=problem.space,
        nodal=u.reshape(-1, 3),
        strain=tet_mean(problem.space, strain),
        stress=tet_mean(problem.space, stress),
        energy=energy(problem, state),
        reactions=problem.held.forces(rest),
        loads={name: fraction * total for name, total in problem.loads.items()},
        imbalance=float(np.abs(np.delete(rest, problem.held.dofs)).max(initial=0.0)) / scale,
        history=history,
    )
