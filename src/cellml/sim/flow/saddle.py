"""The Stokes system by conjugate gradients on the pressure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cellml.sim.direct import factorise
from cellml.sim.errors import SimulationError
from cellml.sim.mechanics.space import Floats, Ints

_ITERATIONS = 1000


def block_solver(A: Any, free: Ints) -> Callable[[Floats], Floats]:
    """The function b ↦ A⁻¹b on the free unknowns (3N,), 0 elsewhere.

    A is the viscous matrix (3N, 3N), or (N, N) where it acts on each component alike; components held at the same nodes share a factor.
    """
    size = A.shape[0]
    if size > free.max(initial=0):
        whole = factorise(A[free][:, free]) if len(free) else None

        def solve_whole(b: Floats) -> Floats:
            x = np.zeros(size)
            if whole is not None:
                x[free] = whole(b[free])
            return x

        return solve_whole
    return _by_component(A, free)


def _by_component(A: Any, free: Ints) -> Callable[[Floats], Floats]:
    parts, factors = [], {}
    for axis in range(3):
        nodes = free[free % 3 == axis] // 3
        key = nodes.tobytes()
        if len(nodes) and key not in factors:
            factors[key] = factorise(A[nodes][:, nodes])
        parts.append((nodes, key))

    def solve(b: Floats) -> Floats:
        x = np.zeros(3 * A.shape[0])
        for axis, (nodes, key) in enumerate(parts):
            if len(nodes):
                x[3 * nodes + axis] = factors[key](b[3 * nodes + axis])
        return x

    return solve


def pressure_by_cg(
    solve: Callable[[Floats], Floats],
    B: Any,
    mass: Callable[[Floats], Floats],
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
