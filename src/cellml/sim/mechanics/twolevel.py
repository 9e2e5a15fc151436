"""Solution of symmetric positive definite systems of order 2: direct, or by conjugate gradients with a two-level preconditioner."""

from __future__ import annotations

from typing import Any

import numpy as np

from cellml.sim.direct import Solve, factorise
from cellml.sim.errors import SimulationError
from cellml.sim.mechanics.space import Floats, Ints, Space

# Above this many unknowns of order 2 a direct factor is slower; it soon takes minutes and gigabytes. The factor of order 1 has an eighth.
DIRECT = 10_000
_ITERATIONS = 2000
_SMOOTHING = 4


def positive_solver(space: Space, K: Any, free: Ints, *, components: int = 3, tolerance: float = 1e-10) -> Solve:
    """The function b ↦ K⁻¹b on the free unknowns (F,) of a symmetric positive definite matrix K (cN, cN), c components a node.

    Direct up to `DIRECT` unknowns and for order 1; beyond, conjugate gradients to a residual of `tolerance` of the right-hand side.
    Raises SimulationError where they do not converge (K is not positive definite, or the material is too close to incompressible).
    """
    matrix = K[free][:, free].tocsr()
    if space.order == 1 or len(free) <= DIRECT:
        return factorise(matrix)
    precondition = two_level(matrix, coarse_to_fine(space, free, components))
    return lambda b: conjugate_gradients(matrix, b, precondition, tolerance)


def coarse_to_fine(space: Space, free: Ints, components: int = 3) -> Any:
    """Interpolation (F, C) of fields of order 1 at the corners to the free unknowns of order 2; a middle is the mean of its ends."""
    from scipy.sparse import coo_matrix, identity, kron, vstack

    corners = len(space.domain.nodes)
    ends = space.fem_mesh.edges
    rows = np.repeat(np.arange(ends.shape[1]), 2)
    means = coo_matrix((np.full(len(rows), 0.5), (rows, ends.T.ravel())), shape=(ends.shape[1], corners))
    whole = kron(vstack([identity(corners), means]), identity(components)).tocsr()
    return whole[free][:, free[free < components * corners]].tocsr()


def two_level(matrix: Any, interpolation: Any) -> Solve:
    """The preconditioner: Chebyshev smoothing, exact correction in the coarse space PᵀKP, Chebyshev smoothing; symmetric."""
    from scipy.sparse import diags

    coarse = factorise((interpolation.T @ matrix @ interpolation).tocsc())
    inverse = 1.0 / matrix.diagonal()
    scaled = (diags(inverse) @ matrix).tocsr()
    highest = 1.1 * _largest_eigenvalue(scaled)

    def smooth(x: Floats, b: Floats) -> Floats:
        """Chebyshev's iteration for D⁻¹K on the upper three quarters of its spectrum (Adams et al. 2003)."""
        middle, half = 0.625 * highest, 0.375 * highest
        step, weight = np.zeros(len(b)), 0.0
        for number in range(_SMOOTHING):
            weight = 1.0 / middle if number == 0 else 1.0 / (middle - (0.5 if number == 1 else 0.25) * half**2 * weight)
            momentum = weight * middle - 1.0
            step = weight * inverse * (b - matrix @ x) + momentum * step
            x = x + step
        return x

    def apply(b: Floats) -> Floats:
        x = smooth(np.zeros(len(b)), b)
        x = x + interpolation @ coarse(interpolation.T @ (b - matrix @ x))
        return smooth(x, b)

    return apply


def _largest_eigenvalue(matrix: Any) -> float:
    x = np.random.default_rng(0).normal(size=matrix.shape[0])
    for _ in range(15):
        x = matrix @ (x / np.linalg.norm(x))
    return float(np.linalg.norm(x))


def conjugate_gradients(matrix: Any, b: Floats, precondition: Solve, tolerance: float) -> Floats:
    """Solve matrix x = b to a residual of `tolerance`·|b|. Raises SimulationError without convergence."""
    x, residual, goal = np.zeros(len(b)), b.copy(), tolerance * float(np.linalg.norm(b))
    z = precondition(residual)
    direction, energy = z.copy(), float(residual @ z)
    for _ in range(_ITERATIONS):
        if np.linalg.norm(residual) <= goal:
            return x
        image = matrix @ direction
        curvature = float(direction @ image)
        if curvature <= 0.0 or not np.isfinite(curvature):
            break
        length = energy / curvature
        x, residual = x + length * direction, residual - length * image
        z = precondition(residual)
        before, energy = energy, float(residual @ z)
        direction = z + energy / before * direction
    raise SimulationError(
        f"Conjugate gradients on {len(b)} unknowns stop at a residual of {np.linalg.norm(residual) / np.linalg.norm(b):.1e} of the load, "
        f"wanted {tolerance:.1e}: the body is unstable there, or Poisson's ratio too close to 0.5 (0.49 behaves)."
    )
