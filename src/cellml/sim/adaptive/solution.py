"""Solving a steady problem on one mesh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cellml.sim.adaptive.edges import Floats, Index
from cellml.sim.adaptive.elements import Elements
from cellml.sim.adaptive.problem import SteadyProblem
from cellml.sim.direct import factorise
from cellml.sim.errors import SimulationError
from cellml.types import TetMesh

# Up to here a factorisation is faster; beyond, conjugate gradients with a start from the coarser mesh.
_MOST_FACTORED = 1_000
_TOLERANCE = 1e-10
_MOST_ITERATIONS = 20_000


@dataclass(frozen=True, eq=False)
class Solved:
    """A problem with its P1 solution u, (P,)."""

    elements: Elements
    u: Floats

    @property
    def mesh(self) -> TetMesh:
        """The mesh."""
        return self.elements.mesh

    @property
    def unknowns(self) -> int:
        """Degrees of freedom: points without a prescribed value."""
        return len(self.elements.free)

    @property
    def energy(self) -> float:
        """a(u, u)."""
        return float(self.u @ (self.elements.matrix @ self.u))


def solve(mesh: TetMesh, problem: SteadyProblem, *, start: Floats | None = None) -> Solved:
    """Solve with P1 elements: SuperLU on small meshes, Jacobi-preconditioned conjugate gradients to 1e-10 of the load on large ones.

    start: (P,) a guess, such as the prolongation of the solution on a coarser mesh. Raises SimulationError if no value, decay or
    permeability fixes the level of u, or if conjugate gradients do not converge.
    """
    elements = Elements(mesh, problem)
    fixed, values = elements.fixed
    u = np.zeros(len(mesh.points))
    u[fixed] = values
    ones = np.ones(len(mesh.points))
    if len(fixed) == 0 and float(ones @ (elements.matrix @ ones)) <= 1e-13 * float(elements.matrix.diagonal().sum()):
        raise SimulationError(
            f"The problem on {mesh.name!r} leaves the level of u open: fix a value somewhere, or give a decay or a permeability above zero."
        )
    right = elements.load - elements.matrix @ u
    u[elements.free] = on_free(elements.matrix, right, elements.free, start=start)
    return Solved(elements, u)


def on_free(matrix: Any, right: Floats, free: Index, *, start: Floats | None = None, tolerance: float = _TOLERANCE) -> Floats:
    """The part of A⁻¹b on free unknowns, (len(free),); A symmetric (N, N) and positive definite there."""
    if len(free) == 0:
        return np.zeros(0)
    A, b = matrix[free][:, free], right[free]
    if len(free) <= _MOST_FACTORED:
        return np.asarray(factorise(A)(b))
    return conjugate_gradients(A, b, None if start is None else start[free], tolerance=tolerance)


def conjugate_gradients(A: Any, b: Floats, start: Floats | None, *, tolerance: float = _TOLERANCE) -> Floats:
    """Solve A x = b with the diagonal as preconditioner until the residual is `tolerance` of b. Raises SimulationError otherwise."""
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import cg

    x, failed = cg(A, b, x0=start, rtol=tolerance, maxiter=_MOST_ITERATIONS, M=diags_array(1.0 / A.diagonal()))
    if failed:
        raise SimulationError(f"Conjugate gradients did not reach {tolerance:g} in {_MOST_ITERATIONS} steps on {len(b)} unknowns.")
    return np.asarray(x)
