"""Steady equations together with the totals that they leave open.

F(y) = A y − S(y) = 0 has cₖᵀF = 0 for every conserved total and any y, so that its Jacobian J is singular. Bordered by the totals,

    [ J   C ] [ δy ]   [ −F         ]
    [ Wᵀ  0 ] [ μ  ] = [ wᵀy₀ − wᵀy ],

it is not (C spans what J does not reach, W = M C).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cellml.sim.engine.invariants import Invariant
from cellml.sim.engine.step import Coefficients, Stepper
from cellml.sim.engine.system import Vector
from cellml.sim.errors import SimulationError

STEADY = Coefficients(0.0, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Bordered:
    """A factor of the bordered matrix at a state; free: number of free unknowns."""

    factor: Any
    free: int

    def solve(self, residual: Vector, totals: Vector) -> tuple[Vector, Vector]:
        """The solution (δy, μ) for right sides on free unknowns and for totals."""
        found = self.factor.solve(np.concatenate([residual, totals]))
        return found[: self.free], found[self.free :]

    def solve_transposed(self, cotangent: Vector) -> tuple[Vector, Vector]:
        """The multipliers (λ, μ) of the transposed system with right side (cotangent, 0)."""
        zeros = np.zeros(self.factor.shape[0] - self.free)
        found = self.factor.solve(np.concatenate([cotangent, zeros]), trans="T")
        return found[: self.free], found[self.free :]


def bordered(stepper: Stepper, kept: tuple[Invariant, ...], y: Vector) -> Bordered:
    """Factor the bordered matrix. kept: the conserved totals; y: (N,). Raises SimulationError if it is singular."""
    from scipy.sparse import block_array, csr_array
    from scipy.sparse.linalg import splu

    free, J = stepper.conditions.free, stepper.matrix(y, 0.0, STEADY)
    if kept:
        W = csr_array(np.stack([total.weights[free] for total in kept], axis=0))
        C = csr_array(np.stack([coefficients(stepper, total)[free] for total in kept], axis=1))
        J = block_array([[J, C], [W, None]])
    try:
        return Bordered(splu(J.tocsc()), len(free))
    except RuntimeError:
        raise SimulationError(
            "The steady equations are singular: some species neither reacts, nor is held, nor belongs to a conserved total."
        ) from None


def coefficients(stepper: Stepper, total: Invariant) -> Vector:
    """The coefficient of each unknown in a total, (N,)."""
    found = np.zeros(stepper.system.size)
    for name, coefficient in total.coefficients.items():
        found[stepper.system.slices[name]] = coefficient
    return found


def released_total(stepper: Stepper, total: Invariant, load: Vector | None) -> float:
    """cᵀb: how much a release adds to a total."""
    return 0.0 if load is None else float(coefficients(stepper, total) @ load)
