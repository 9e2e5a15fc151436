"""Errors against a finer solution on the same mesh, for judging and training indicators."""

from __future__ import annotations

import numpy as np

from cellml.sim.adaptive.bubbles import Bubbles
from cellml.sim.adaptive.edges import Floats
from cellml.sim.adaptive.elements import Elements
from cellml.sim.adaptive.solution import Solved, on_free
from cellml.sim.adaptive.uniform import refine_uniformly


def local_errors(solved: Solved, *, refinements: int = 1) -> Floats:
    """Energy of u₂ − u_h on each tetrahedron, ∫_T D |∇e|² + κ e², (T,), with u₂ the P2 solution of the mesh refined uniformly.

    A single refinement takes 64 times the unknowns. Boundary terms of a permeability belong to no tetrahedron and are left out.
    """
    mesh, coarse = solved.mesh, solved.u
    for _ in range(refinements):
        mesh, prolong = refine_uniformly(mesh)
        coarse = prolong @ coarse
    fine = Bubbles(Elements(mesh, solved.elements.problem))
    e = _quadratic(fine, coarse, tolerance=1e-6)
    e[: len(coarse)] -= coarse
    return np.asarray(fine.energies(e).reshape(len(solved.mesh.tets), -1).sum(axis=1))


def _quadratic(bubbles: Bubbles, start: Floats, *, tolerance: float) -> Floats:
    """The P2 solution, (P + E,), with prescribed values interpolated linearly; start: (P,) a guess."""
    fixed, values = bubbles.elements.fixed
    u = np.zeros(bubbles.size)
    u[fixed] = values
    guess = np.concatenate([start, np.zeros(len(bubbles.edges))])
    u[bubbles.free] = on_free(bubbles.matrix, bubbles.load - bubbles.matrix @ u, bubbles.free, start=guess, tolerance=tolerance)
    return u


def quadratic_energy(solved: Solved, *, tolerance: float = 1e-8) -> float:
    """a(u₂, u₂) of the P2 solution on the same mesh, for problems whose prescribed values are all zero.

    Then ‖u − u_h‖² = a(u, u) − a(u_h, u_h) by Galerkin orthogonality, and this is a(u, u) up to the error of P2.
    """
    bubbles = Bubbles(solved.elements)
    return float(bubbles.load @ _quadratic(bubbles, solved.u, tolerance=tolerance))
