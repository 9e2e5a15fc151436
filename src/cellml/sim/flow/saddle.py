"""The Stokes system by conjugate gradients on the pressure."""

from __future__ import annotations

from typing import Any

import numpy as np

from cellml.sim.direct import Solve, factorise
from cellml.sim.errors import SimulationError
from cellml.sim.mechanics.space import Floats, Ints, Space
from cellml.sim.mechanics.twolevel import positive_solver

_ITERATIONS = 1000
# The inner residual must stay below that of the pressure, 1e-10, by its condition number.
_INNER = 1e-12


def block_solver(space: Space, A: Any, free: Ints) -> Solve:
    """The function b ↦ A⁻¹b on the free unknowns (3N,), 0 elsewhere.

    A is the viscous matrix (3N, 3N), or (N, N) where it acts on each component alike; components held at the same nodes share a factor.
    """
    by_component = A.shape[0] < 3 * space.size
    inner = _by_component(A, free) if by_component else positive_solver(space, A, free, tolerance=_INNER)

    def solve(b: Floats) -> Floats:
        x = np.zeros(3 * space.size)
        if b[free].any():
            x[free] = inner(b[free])
        return x

    return solve


def _by_component(A: Any, free: Ints) -> Solve:
    axes = [np.flatnonzero(free % 3 == axis) for axis in range(3)]
    factors: dict[bytes, Solve] = {}
    keys = [(free[mine] // 3).tobytes() for mine in axes]
    for mine, key in zip(axes, keys, strict=True):
        if len(mine) and key not in factors:
            nodes = free[mine] // 3
            factors[key] = factorise(A[nodes][:, nodes])

    def solve(b: Floats) -> Floats:
        x = np.zeros(len(free))
        for mine, key in zip(axes, keys, strict=True):
            if len(mine):
                x[mine] = factors[key](b[mine])
        return x

    return solve


def pressure_by_cg(
    solve: Solve,
    B: Any,
    mass: Solve,
    right: Floats,
    *,
    tolerance: float,
    floor: float,
    closed: bool,
) -> tuple[Floats, int]:
    """Solve B A⁻¹ Bᵀ p = g by conjugate gradients, preconditioned by the pressure's mass matrix (Verfürth 1984).

    solve: b ↦ A⁻¹b; B: (M, 3N) divergence, columns of held velocities already 0; mass: b ↦ M_p⁻¹ b/scale; right: g (M,);
    tolerance: of the residual against the first one in the norm of the preconditioner, and floor: that norm of what round-off alone leaves;
    closed: no opening, so that p is known up to a constant only: the sum of residuals is kept at 0. Returns p (M,) and the iterations.
    The condition number does not grow with the mesh (Taylor–Hood is inf-sup stable). Raises SimulationError without convergence.
    """
    p, residual = np.zeros(len(right)), right.copy()
    z = mass(residual)
    direction, energy = z.copy(), float(residual @ z)
    start = energy
    for iteration in range(_ITERATIONS):
        if energy <= max(tolerance**2 * start, floor**2):
            return p, iteration
        image = B @ solve(B.T @ direction)
        if closed:
            image -= image.mean()
        length = energy / float(direction @ image)
        p += length * direction
        residual -= length * image
        z = mass(residual)
        before, energy = energy, float(residual @ z)
        direction = z + energy / before * direction
    raise SimulationError(
        f"The pressure does not converge: after {_ITERATIONS} iterations the residual is {np.sqrt(energy / start):.1e} of the first, "
        f"wanted {tolerance:.1e}. Very flat tetrahedra or channels much thinner than long do this; mesh them better."
    )
